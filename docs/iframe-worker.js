// The site's search runs in a worker, and browsers start none for a page that was opened as a file. Then a hidden frame runs its script instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "search"
      frame.srcdoc = "<!doctype html><title>search</title>"
      this.started = new Promise((resolve, reject) => {
        frame.onload = () => {
          const inside = frame.contentWindow
          // What the script posts goes to the page, as a worker's messages do, and not to its own window.
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
          const element = inside.document.createElement("script")
          element.onload = () => resolve(inside)
          element.onerror = () => reject(new Error(`${script} could not be read`))
          element.src = script
          inside.document.head.append(element)
        }
      })
      document.body.append(frame)
    }
    postMessage(data) {
      this.started.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })))
    }
  }
}
