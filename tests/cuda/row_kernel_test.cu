// SPDX-License-Identifier: MIT
// The CUDA row kernel on a device against the CPU backend; and, where there is no device, the proof
// that nvcc takes the rule language and the kernel.
#include <doctest/doctest.h>

#include <optiform/cuda/kernels.cuh>
#include <optiform/rules/rules.hpp>

#include "on_cpu.hpp"

using namespace optiform;
using optiform::testing::Meeting;
using optiform::testing::Run;
using optiform::testing::run_on_cpu;
using optiform::testing::Training;

namespace {

/// A copy of a host array in device memory.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(std::vector<T>& host) : host_(host) {
    if (host.empty()) return;
    OPTIFORM_CUDA(cudaMalloc(&device_, bytes()));
    OPTIFORM_CUDA(cudaMemcpy(device_, host.data(), bytes(), cudaMemcpyHostToDevice));
  }
  OnDevice(OnDevice&& other) : host_(other.host_), device_(other.device_) {
    other.device_ = nullptr;
  }
  ~OnDevice() { cudaFree(device_); }

  T* data() const { return static_cast<T*>(device_); }
  void back() const {
    if (!host_.empty())
      OPTIFORM_CUDA(cudaMemcpy(host_.data(), device_, bytes(), cudaMemcpyDeviceToHost));
  }

 private:
  std::size_t bytes() const { return host_.size() * sizeof(T); }
  std::vector<T>& host_;
  void* device_ = nullptr;
};

template <class T>
std::vector<OnDevice<T>> on_device(std::vector<std::vector<T>>& host) {
  std::vector<OnDevice<T>> all;
  for (auto& values : host) all.emplace_back(values);
  return all;
}

bool device_exists() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

/// Buffers go to the device and come back. `Length` 0 takes the run's.
template <class P, Index Length>
void run_on_device(Run<P, float>& run) {
  auto input = on_device(run.input), output = on_device(run.output), column = on_device(run.column),
       column_gradient = on_device(run.column_gradient);
  OnDevice<float> statistic(run.statistic);
  OnDevice<double> coefficient_gradient(run.coefficient_gradient);

  RowArguments<float> a = run.arguments();
  for (std::size_t i = 0; i < input.size(); ++i) a.input[i] = input[i].data();
  for (std::size_t i = 0; i < output.size(); ++i) a.output[i] = output[i].data();
  for (std::size_t i = 0; i < column.size(); ++i) {
    a.column[i] = column[i].data();
    a.column_gradient[i] = column_gradient[i].data();
  }
  a.statistic = statistic.data();
  a.coefficient_gradient = coefficient_gradient.data();

  kernels<Cuda>::Context context;
  kernels<Cuda>::run_rows<P, Length>(context, a);
  OPTIFORM_CUDA(cudaStreamSynchronize(context.stream()));
  for (auto& values : output) values.back();
  for (auto& values : column_gradient) values.back();
  statistic.back();
  coefficient_gradient.back();
}

template <class P, Index Length>
void check(Run<P, float> run) {
  Run<P, float> expected = run, again = run;
  run_on_cpu(expected);
  run_on_device<P, Length>(run);
  CHECK(difference(run, expected) < 2e-5);
  run_on_device<P, Length>(again);
  CHECK((again.output == run.output));
  CHECK((again.column_gradient == run.column_gradient));
  CHECK((again.coefficient_gradient == run.coefficient_gradient));
}

/// Forward, then backward on its statistics.
template <class R, Index Length>
void check_meeting(Index rows) {
  using F = Forward<Meeting<R>>;
  using B = Backward<Meeting<R>>;
  const Run<F, float> forward(rows, Length, 1);
  check<F, Length>(forward);
  auto before = forward;
  run_on_cpu(before);
  Run<B, float> backward(rows, Length, 2);
  for (std::size_t i = 0; i < before.input.size(); ++i) backward.input[i] = before.input[i];
  backward.column = before.column;
  backward.coefficient = before.coefficient;
  backward.statistic = before.statistic;
  check<B, Length>(backward);
}

}  // namespace

TEST_CASE("the CUDA row kernel computes what the CPU computes, the same bits every time") {
  if (!device_exists()) {
    MESSAGE("skipped: no device");
    return;
  }
  // Rows within a warp, rows that leave threads idle, and GPT-2 small's.
  check_meeting<GradientDescent, 77>(1000);
  check_meeting<TripleMomentum, 20>(7);
  check_meeting<TripleMomentum, 768>(1000);
  check_meeting<AdamW, 768>(600);
  check<Forward<Training<AdamW>>, 0>(Run<Forward<Training<AdamW>>, float>(5, 1000, 3));
}
