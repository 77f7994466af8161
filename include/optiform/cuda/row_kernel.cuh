// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#if !defined(__CUDACC__)
#error "optiform/cuda/*.cuh are for nvcc: include them in a .cu and call it from the .cpp"
#endif
#include <optiform/cuda/context.cuh>
#include <optiform/cuda/row_lane.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cuda {

/// The device's instructions. A product is never contracted by the compiler's own choice.
struct DeviceMath {
  static __device__ float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
  static __device__ double fma(double a, double b, double c) { return __fma_rn(a, b, c); }
  static __device__ float product(float a, float b) { return __fmul_rn(a, b); }
  static __device__ double product(double a, double b) { return __dmul_rn(a, b); }
  static __device__ float root(float a) { return __fsqrt_rn(a); }
  static __device__ double root(double a) { return __dsqrt_rn(a); }
  template <class T>
  static __device__ T read_only(const T* from) {
    return __ldg(from);
  }
};

/// This thread's view of the threads that share its row: one warp, or a whole block of several.
///
/// Contract  sums are taken by a butterfly within each warp, then over warps in their order, so
///           that every thread has the same bits. With several warps every thread of the block must
///           call sum(); two buffers in turn make one barrier per sum enough.
template <class Lane, class T, int Threads>
class DeviceGroup {
 public:
  static constexpr int warps = Threads / 32;
  using Shared = T[2][Lane::sums][warps];

  __device__ DeviceGroup(Lane& lane, Shared& shared) : lane_(lane), shared_(shared) {}

  template <class F>
  __device__ void each(F&& f) {
    f(lane_);
  }

  template <int Count>
  __device__ void sum() {
#pragma unroll
    for (int i = 0; i < Count; ++i)
#pragma unroll
      for (int other = 16; other > 0; other /= 2)
        lane_.sum[i] += __shfl_xor_sync(0xffffffffu, lane_.sum[i], other);
    if constexpr (warps > 1) {
      if (threadIdx.x % 32 == 0) {
#pragma unroll
        for (int i = 0; i < Count; ++i) shared_[turn_][i][threadIdx.x / 32] = lane_.sum[i];
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < Count; ++i) {
        lane_.sum[i] = shared_[turn_][i][0];
#pragma unroll
        for (int w = 1; w < warps; ++w) lane_.sum[i] += shared_[turn_][i][w];
      }
      turn_ = 1 - turn_;
    }
  }

 private:
  Lane& lane_;
  Shared& shared_;
  int turn_ = 0;
};

/// How a program is launched: `threads` per row, `groups` rows at a time in a block.
template <class P, Index Length>
struct RowLaunch {
  static constexpr int threads = threads_per_row<P>(Length);
  static constexpr int groups = threads == 32 ? 4 : 1;
};

/// A row program in one pass over its rows.
///
/// Contract  reads pass.input, pass.column, and (backward) pass.statistic; overwrites pass.output,
///           (forward) pass.statistic and the partial gradients.
template <class P, Index Length, class T>
__global__ void __launch_bounds__(RowLaunch<P, Length>::threads* RowLaunch<P, Length>::groups)
    row_kernel(const RowPass<P, T> pass, Index workers) {
  using Launch = RowLaunch<P, Length>;
  using Lane = RowLane<P, T, Length, Launch::threads, DeviceMath>;
  using Group = DeviceGroup<Lane, T, Launch::threads>;
  __shared__ typename Group::Shared shared;
  const int thread = static_cast<int>(threadIdx.x) % Launch::threads;
  const Index worker = static_cast<Index>(blockIdx.x) * Launch::groups +
                       static_cast<int>(threadIdx.x) / Launch::threads;
  if (worker >= workers) return;  // whole warps, and no barrier is left where groups share a block
  Lane lane(pass, thread);
  Group group(lane, shared);
  visit_rows<P>(group, pass.rows, worker, workers);
}

/// gradient[i] += sum of partial[w, i] over w, in a fixed order: 16 slices, then the slices.
///
/// Shapes  partial: [workers, stride], of which the first n of each row are used.
template <class From, class To>
__global__ void add_partials(const From* partial, Index workers, Index stride, Index n,
                             To* gradient) {
  constexpr int columns = 32, slices = 16;
  __shared__ double sum[slices][columns];
  const Index i = static_cast<Index>(blockIdx.x) * columns + threadIdx.x;
  double mine = 0;
  if (i < n)
    for (Index w = threadIdx.y; w < workers; w += slices)
      mine += static_cast<double>(partial[w * stride + i]);
  sum[threadIdx.y][threadIdx.x] = mine;
  __syncthreads();
  if (threadIdx.y != 0 || i >= n) return;
  for (int s = 1; s < slices; ++s) mine += sum[s][threadIdx.x];
  gradient[i] += static_cast<To>(mine);
}

/// Runs a row program on a stream.
///
/// Shapes    Length is the compile-time row length, or 0 to take a.length (one-sweep programs).
/// Contract  pointers in `a` are the device's, its coefficients and clock the host's;
///           a.workspace is not used. Returns before the device is done.
/// Errors    cuda::error; a length that is not the kernel's.
template <class P, Index Length = 0, class T>
void run_rows(Context& context, const RowArguments<T>& a) {
  using Launch = RowLaunch<P, Length>;
  if (Length > 0 && a.length != Length)
    fail("row length = ", a.length, ", expected ", Length, " as compiled");
  if (a.rows == 0 || a.length == 0) return;
  const Index workers = row_workers<P>(a.rows);
  RowPass<P, T> pass(a);
  constexpr Index coefficients = P::graph.coefficients, columns = P::graph.columns;
  if constexpr (sums_over_rows<P>()) {
    std::byte* const partials = context.scratch(row_partial_bytes<P, T>(a.rows, a.length));
    pass.coefficient_partial = reinterpret_cast<double*>(partials);
    pass.column_partial = reinterpret_cast<T*>(pass.coefficient_partial + workers * coefficients);
  }
  const auto blocks = static_cast<unsigned>((workers + Launch::groups - 1) / Launch::groups);
  row_kernel<P, Length, T>
      <<<blocks, Launch::threads * Launch::groups, 0, context.stream()>>>(pass, workers);
  OPTIFORM_CUDA(cudaGetLastError());
  if constexpr (sums_over_rows<P>()) {
    const dim3 shape(32, 16);
    if (a.coefficient_gradient != nullptr && coefficients > 0)
      add_partials<<<(coefficients + 31) / 32, shape, 0, context.stream()>>>(
          pass.coefficient_partial, workers, coefficients, coefficients, a.coefficient_gradient);
    for (Index c = 0; c < columns; ++c) {
      if (a.column_gradient[c] == nullptr) continue;
      add_partials<<<static_cast<unsigned>((a.length + 31) / 32), shape, 0, context.stream()>>>(
          pass.column_partial + c * a.length, workers, columns * a.length, a.length,
          a.column_gradient[c]);
    }
    OPTIFORM_CUDA(cudaGetLastError());
  }
}

}  // namespace cuda

OPTIFORM_NAMESPACE_END
