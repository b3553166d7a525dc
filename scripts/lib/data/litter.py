"""What systems, viewers and network drives leave in folders of pictures without anybody asking them to."""

# Folders: archives made on a Mac; Synology's, QNAP's and Windows' own; what a repaired file system or Python leaves.
FOLDERS = frozenset(
    {
        *("__macosx", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp"),
        *("$recycle.bin", "recycler", "system volume information", "found.000", "lost+found", "__pycache__"),
    }
)
FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
OFFICE_LOCK = "~$"


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden (`.ipynb_checkpoints`, `._7.png`, `.nfs0001`) or a system's own."""
    return name.startswith((".", OFFICE_LOCK)) or name.lower() in FOLDERS or name.lower() in FILES
