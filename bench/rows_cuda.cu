// SPDX-License-Identifier: MIT
// Fused boundary programs on a device, against a copy of device memory in the same run.
//   bench/rows_cuda
#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include <optiform/cuda/kernels.cuh>
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/rules.hpp>

namespace {

using namespace optiform;

/// An array of `size` floats in device memory, all zeros.
class Floats {
 public:
  explicit Floats(Index size) {
    const auto bytes = static_cast<std::size_t>(size) * sizeof(float);
    OPTIFORM_CUDA(cudaMalloc(&data_, bytes));
    OPTIFORM_CUDA(cudaMemset(data_, 0, bytes));
  }
  Floats(Floats&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  ~Floats() { cudaFree(data_); }
  float* data() const { return static_cast<float*>(data_); }

 private:
  void* data_ = nullptr;
};

/// Seconds of one call, the median of several.
template <class F>
double device_seconds(F&& f) {
  cudaEvent_t start, stop;
  OPTIFORM_CUDA(cudaEventCreate(&start));
  OPTIFORM_CUDA(cudaEventCreate(&stop));
  for (int i = 0; i < 3; ++i) f();
  constexpr int repeats = 10;
  std::vector<float> times;
  for (int round = 0; round < 15; ++round) {
    OPTIFORM_CUDA(cudaEventRecord(start));
    for (int i = 0; i < repeats; ++i) f();
    OPTIFORM_CUDA(cudaEventRecord(stop));
    OPTIFORM_CUDA(cudaEventSynchronize(stop));
    float milliseconds = 0;
    OPTIFORM_CUDA(cudaEventElapsedTime(&milliseconds, start, stop));
    times.push_back(milliseconds / repeats);
  }
  OPTIFORM_CUDA(cudaEventDestroy(start));
  OPTIFORM_CUDA(cudaEventDestroy(stop));
  std::sort(times.begin(), times.end());
  return 1e-3 * static_cast<double>(times[times.size() / 2]);
}

/// Bytes per second that a copy reads and writes.
double copy_rate(Index size) {
  const Floats from(size), to(size);
  const auto bytes = static_cast<std::size_t>(size) * sizeof(float);
  const double time = device_seconds([&] {
    OPTIFORM_CUDA(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice));
  });
  return 2 * static_cast<double>(bytes) / time;
}

/// Buffers of a program, each [rows, length], and its time as a share of what `rate` allows.
template <class P, Index Length>
void report(const char* rule, const char* pass, Index rows, double rate) {
  RowArguments<float> a;
  a.rows = rows;
  a.length = Length;
  std::vector<Floats> held;
  const auto floats = [&](Index size) { return held.emplace_back(size).data(); };
  for (short i = 0; i < P::graph.inputs; ++i) a.input[i] = floats(rows * Length);
  for (short i = 0; i < P::graph.stores; ++i) a.output[i] = floats(rows * Length);
  for (short i = 0; i < P::graph.columns; ++i) {
    a.column[i] = floats(Length);
    a.column_gradient[i] = floats(Length);
  }
  for (short i = 0; i < P::graph.coefficients; ++i) a.coefficient[i] = 0.5;
  a.statistic = floats(rows * std::max<Index>(1, P::graph.statistics));
  const Floats coefficient_gradient(2 * Recording::max_coefficients * 2);
  a.coefficient_gradient = reinterpret_cast<double*>(coefficient_gradient.data());
  kernels<Cuda>::Context context;
  const double time = device_seconds([&] { kernels<Cuda>::run_rows<P, Length>(context, a); });
  Index moved = P::graph.inputs;
  for (int i = 0; i < P::graph.stores; ++i) moved += writes<P>(i);
  const double bytes = static_cast<double>(moved * rows * Length) * sizeof(float);
  std::printf("%s_%s_%td_over_copy %.3f\n", rule, pass, static_cast<std::ptrdiff_t>(Length),
              bytes / time / rate);
  std::printf("# %td buffers, %.1f us, %.0f GB/s\n", static_cast<std::ptrdiff_t>(moved), 1e6 * time,
              1e-9 * bytes / time);
}

template <class R, Index Length>
void report_rule(const char* rule, Index rows, double rate) {
  using D = Dynamics<R, DepthOptions{}, 1>;
  report<Forward<Boundary<D, D>>, Length>(rule, "forward", rows, rate);
  report<Backward<Boundary<D, D>>, Length>(rule, "backward", rows, rate);
}

}  // namespace

int main() {
  cudaDeviceProp device{};
  if (cudaGetDeviceProperties(&device, 0) != cudaSuccess) {
    std::fprintf(stderr, "bench/rows_cuda: there is no device\n");
    return 1;
  }
  constexpr Index rows = 65536;
  const double rate = copy_rate(rows * 768 * 4);
  std::printf("# %s, copy %.0f GB/s, %td rows\n", device.name, 1e-9 * rate,
              static_cast<std::ptrdiff_t>(rows));
  report_rule<GradientDescent, 768>("vanilla", rows, rate);
  report_rule<TripleMomentum, 768>("tmm", rows, rate);
  report_rule<AdamW, 768>("adamw", rows, rate);
  report_rule<TripleMomentum, 1600>("tmm", rows, rate);
}
