// SPDX-License-Identifier: MIT
// The device's side of row_kernel_device.cpp, and the proof that nvcc takes the rule language.
#include "device.hpp"

#include <optiform/cuda/kernels.cuh>
#include <optiform/rules/rules.hpp>

namespace optiform::testing {

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

}  // namespace

bool device_exists() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

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

template <class R>
using F = Forward<Meeting<R>>;
template <class R>
using B = Backward<Meeting<R>>;

// A row within a warp, one that leaves threads idle, and GPT-2 small's.
template void run_on_device<F<GradientDescent>, 77>(Run<F<GradientDescent>, float>&);
template void run_on_device<B<GradientDescent>, 77>(Run<B<GradientDescent>, float>&);
template void run_on_device<F<TripleMomentum>, 20>(Run<F<TripleMomentum>, float>&);
template void run_on_device<B<TripleMomentum>, 20>(Run<B<TripleMomentum>, float>&);
template void run_on_device<F<TripleMomentum>, 768>(Run<F<TripleMomentum>, float>&);
template void run_on_device<B<TripleMomentum>, 768>(Run<B<TripleMomentum>, float>&);
template void run_on_device<F<AdamW>, 768>(Run<F<AdamW>, float>&);
template void run_on_device<B<AdamW>, 768>(Run<B<AdamW>, float>&);
template void run_on_device<Forward<Training<AdamW>>, 0>(Run<Forward<Training<AdamW>>, float>&);

}  // namespace optiform::testing
