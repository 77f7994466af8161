// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#if !defined(__CUDACC__)
#error "optiform/cuda/*.cuh are for nvcc: include them in a .cu and call it from the .cpp"
#endif
#include <cuda_runtime.h>

#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cuda {

/// A CUDA call that failed. what() names the call, the place and the driver's reason.
class error : public Error {
 public:
  error(cudaError_t status, const char* call, const char* file, int line)
      : Error(message(file, ":", line, ": ", call, ": ", cudaGetErrorString(status))),
        status_(status) {}
  cudaError_t status() const noexcept { return status_; }

 private:
  cudaError_t status_;
};

#define OPTIFORM_CUDA(call)                                                      \
  do {                                                                           \
    const cudaError_t optiform_status = (call);                                  \
    if (optiform_status != cudaSuccess)                                          \
      throw ::optiform::cuda::error(optiform_status, #call, __FILE__, __LINE__); \
  } while (false)

/// What CUDA kernels need at run time: a stream, and device memory that grows on first use only.
///
/// Contract  not copyable; used by one host thread at a time. The stream is borrowed. A call of
///           scratch() invalidates what it gave before; growing waits for the stream.
class Context {
 public:
  explicit Context(cudaStream_t stream = nullptr) : stream_(stream) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { cudaFree(scratch_); }

  /// Threads of the host, of which a device needs one.
  static int threads_of(int) { return 1; }

  cudaStream_t stream() const { return stream_; }

  std::byte* scratch(Index bytes) {
    if (bytes > bytes_) {
      OPTIFORM_CUDA(cudaStreamSynchronize(stream_));
      OPTIFORM_CUDA(cudaFree(scratch_));
      scratch_ = nullptr;
      bytes_ = 0;
      OPTIFORM_CUDA(cudaMalloc(&scratch_, static_cast<std::size_t>(bytes)));
      bytes_ = bytes;
    }
    return static_cast<std::byte*>(scratch_);
  }

 private:
  cudaStream_t stream_;
  void* scratch_ = nullptr;
  Index bytes_ = 0;
};

}  // namespace cuda

OPTIFORM_NAMESPACE_END
