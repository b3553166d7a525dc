// Block-sparse linear layers and NHWC convolutions in float32:
//
//   y[p, n] = act( bias[n] + residual[p, n] + sum over tiles e of block row(n), k < bk:  x[base(p) + offset(e) + k] * w[e, k, n] )
//
// A pixel p is an output pixel of an image, or a row of x in a linear layer. Output channels lie across the SIMD lanes and P pixels
// x NV vectors stay in registers, so one broadcast of x serves NV multiply-adds and one load of w serves P. Plain C interface, no
// torch: it builds in seconds and any version of torch can load it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#if defined(__FMA__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
constexpr int WIDTH = 16, REGISTERS = 32;  // floats in a vector, vector registers
#elif defined(__AVX__)
constexpr int WIDTH = 8, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int WIDTH = 4, REGISTERS = 32;
#else
constexpr int WIDTH = 4, REGISTERS = 16;
#endif

template <int L>
struct Lanes {
  typedef float type __attribute__((vector_size(4 * L), aligned(4), may_alias));
};

// acc + s * w in one rounding, asked for by name: whether a compiler fuses the two on its own hangs on the processor that it tunes for,
// and then the last bit of a sum would too. Processors without such an instruction round twice.
template <int L>
static inline typename Lanes<L>::type multiply_add(float s, typename Lanes<L>::type w, typename Lanes<L>::type acc) {
#if defined(__AVX512F__)
  if constexpr (L == 16) return _mm512_fmadd_ps(_mm512_set1_ps(s), w, acc);
#endif
#if defined(__FMA__)
  if constexpr (L == 8) return _mm256_fmadd_ps(_mm256_set1_ps(s), w, acc);
  if constexpr (L == 4) return _mm_fmadd_ps(_mm_set1_ps(s), w, acc);
#elif defined(__aarch64__)
  if constexpr (L == 4) return vfmaq_n_f32(acc, w, s);
#endif
  return acc + s * w;
}

extern "C" {

struct Image {  // where pixel (image, row, column) starts: data + image * image + row * row + column * pixel, in floats
  float* data;
  int64_t image, row, pixel;
};

struct Weight {
  const float* values;      // [tiles, bk, height]
  const int32_t* first;     // [rows + 1], the tiles of each row of blocks
  const int32_t* place;     // [tiles, 3], the tile's tap (row, column) and first input channel
  const int32_t* channels;  // [rows, 2], first output channel and number of output channels, at most height
  const float* bias;        // [rows, height]
  int64_t rows, height, bk, tiles;
};

struct Geometry {  // x is sampled at (row * stride_row + tap_row * dilation_row, ...)
  int64_t images, height, width, stride_row, stride_column, dilation_row, dilation_column;
};

int widest() { return 4 * WIDTH; }  // output channels that a row of blocks may have here
}

// One block row of NV * L channels for P pixels. U steps of k share the load of a pixel's address, of which there are too few
// registers when P is large.
template <int L, int NV, int P, int U>
static inline void tile(const float* const* x, float* const* y, const float* const* residual, const Weight& w, const int64_t* offset, int64_t row,
                        bool relu) {
  using vec = typename Lanes<L>::type;
  constexpr int height = NV * L;
  vec acc[P][NV];
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NV; v++) acc[p][v] = *(const vec*)(w.bias + row * height + v * L);
  const float* value = w.values + (int64_t)w.first[row] * w.bk * height;
  const int64_t bk = w.bk;
  for (int64_t e = w.first[row]; e < w.first[row + 1]; e++) {
    int64_t k = offset[e], end = k + bk;
    for (; k + U <= end; k += U, value += U * height) {
      vec wv[U][NV];
      for (int u = 0; u < U; u++)
        for (int v = 0; v < NV; v++) wv[u][v] = *(const vec*)(value + u * height + v * L);
#pragma GCC unroll 32
      for (int p = 0; p < P; p++) {
        const float* s = x[p] + k;
        for (int u = 0; u < U; u++)
          for (int v = 0; v < NV; v++) acc[p][v] = multiply_add<L>(s[u], wv[u][v], acc[p][v]);
      }
    }
    if constexpr (U > 1)
      for (; k < end; k++, value += height) {
#pragma GCC unroll 32
        for (int p = 0; p < P; p++)
          for (int v = 0; v < NV; v++) acc[p][v] = multiply_add<L>(x[p][k], *(const vec*)(value + v * L), acc[p][v]);
      }
  }
  const int64_t begin = w.channels[2 * row], count = w.channels[2 * row + 1];
  for (int p = 0; p < P; p++)
    if (count == height) {
      for (int v = 0; v < NV; v++) {
        vec a = acc[p][v];
        if (residual) a += *(const vec*)(residual[p] + begin + v * L);
        if (relu) a = a < 0 ? vec{} : a;  // NaN stays NaN, as in torch
        *(vec*)(y[p] + begin + v * L) = a;
      }
    } else {  // the last channels of a layer whose N is no multiple of the height
      for (int64_t n = 0; n < count; n++) {
        float a = ((const float*)acc[p])[n];
        if (residual) a += residual[p][begin + n];
        y[p][begin + n] = relu && a < 0 ? 0 : a;
      }
    }
}

// P pixels at a time, then half as many, so that no pixel is computed twice; M = 1 ends at P = 1.
template <int L, int NV, int P, int U>
static void pixels(const float* const* x, float* const* y, const float* const* residual, const Weight& w, const int64_t* offset, int64_t row,
                   bool relu, int64_t count) {
  int64_t p = 0;
  for (; p + P <= count; p += P) tile<L, NV, P, U>(x + p, y + p, residual ? residual + p : nullptr, w, offset, row, relu);
  if constexpr (P > 1)
    if (p < count) pixels<L, NV, P / 2, U>(x + p, y + p, residual ? residual + p : nullptr, w, offset, row, relu, count - p);
}

template <int L, int NV, int P, int U>
static void run(const Image& x, const Weight& w, const Image& residual, const Image& y, const Geometry& g, bool relu, int threads) {
  constexpr int64_t LONGEST = 8 * P;
  // Pixels whose input stays in the second cache while every block row visits it: at most 512 KiB of it.
  const int64_t chunk = std::clamp<int64_t>((1 << 17) / std::max<int64_t>(1, x.pixel * g.stride_column) / P * P, P, LONGEST);
  std::vector<int64_t> offsets(w.tiles + 1);
  for (int64_t e = 0; e < w.tiles; e++)
    offsets[e] = w.place[3 * e] * g.dilation_row * x.row + w.place[3 * e + 1] * g.dilation_column * x.pixel + w.place[3 * e + 2];
  // Pixels that lie a multiple of 4 KiB apart fall into one set of the first cache, and 8 and more of them push each other out. If no
  // tap reads another pixel, they are copied a little further apart first: 1.6 to 1.8 times faster with 14 pixels.
  int64_t reach = 0;
  for (int64_t e = 0; e < w.tiles; e++) reach = std::max(reach, offsets[e] + w.bk);
  const int64_t apart = (reach + WIDTH - 1) / WIDTH * WIDTH + WIDTH;
  const bool copy = P >= 8 && x.pixel % 1024 == 0 && reach <= x.pixel && w.rows > 1;
  const int64_t *offset = offsets.data(), count = g.images * g.height * g.width, chunks = (count + chunk - 1) / chunk;
  const int64_t split = chunks >= 4 * threads || threads == 1 ? 1 : std::min<int64_t>(w.rows, 4 * threads);  // few pixels: split the rows too
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (int64_t task = 0; task < chunks * split; task++) {
    const int64_t begin = task / split * chunk, size = std::min(chunk, count - begin), part = task % split;
    const float *from[LONGEST], *add[LONGEST];
    float* to[LONGEST];
    for (int64_t i = 0; i < size; i++) {
      const int64_t p = begin + i, column = p % g.width, line = p / g.width % g.height, image = p / g.width / g.height;
      from[i] = x.data + image * x.image + line * g.stride_row * x.row + column * g.stride_column * x.pixel;
      to[i] = y.data + image * y.image + line * y.row + column * y.pixel;
      add[i] = residual.data + image * residual.image + line * residual.row + column * residual.pixel;
    }
    std::unique_ptr<float[]> near(copy ? new float[size * apart] : nullptr);
    for (int64_t i = 0; copy && i < size; i++) {
      std::copy(from[i], from[i] + reach, near.get() + i * apart);
      from[i] = near.get() + i * apart;
    }
    for (int64_t row = part * w.rows / split; row < (part + 1) * w.rows / split; row++)
      pixels<L, NV, P, U>(from, to, residual.data ? add : nullptr, w, offset, row, relu, size);
  }
}

// 0, or 1 for a height that is not 4, 8, 16 ... widest().
extern "C" int block_sparse(const Image* x, const Weight* w, const Image* residual, const Image* y, const Geometry* g, int relu, int threads) {
  constexpr int R = REGISTERS == 32 ? 24 : 12;  // accumulators; the others hold weights and a broadcast
  constexpr int NARROW = REGISTERS == 32 ? 14 : 8, U = REGISTERS == 32 ? 4 : 2;
#define RUN(L, NV, P, U) return run<L, NV, P, U>(*x, *w, *residual, *y, *g, relu, threads), 0
  switch (w->height) {
    case 4 * WIDTH: RUN(WIDTH, 4, R / 4, 1);
    case 2 * WIDTH: RUN(WIDTH, 2, R / 2, 1);
    case WIDTH: RUN(WIDTH, 1, NARROW, U);
#if defined(__AVX512F__)
    case 8: RUN(8, 1, NARROW, U);
#endif
#if defined(__AVX__)
    case 4: RUN(4, 1, NARROW, U);
#endif
  }
  return 1;
}

// The same for the m rows of a matrix, in one call without structures: they cost Python more than a small layer takes.
extern "C" int block_sparse_linear(const Weight* w, float* x, int64_t x_row, float* residual, int64_t residual_row, float* y, int64_t y_row, int64_t m,
                                   int relu, int threads) {
  const Image from{x, 0, 0, x_row}, add{residual, 0, 0, residual_row}, to{y, 0, 0, y_row};
  const Geometry geometry{1, 1, m, 1, 1, 1, 1};
  return block_sparse(&from, w, &add, &to, &geometry, relu, threads);
}
