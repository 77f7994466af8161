// SPDX-License-Identifier: MIT
// The library's tensors seen by xtensor and by Eigen, without a copy, and .npy files.
//
//   ./border [DIRECTORY]        writes DIRECTORY/border.npy (default: the temporary directory)
//
// Expected last line:  border.npy holds 3 x 4, largest residual 0
#include <cstdio>
#include <exception>
#include <filesystem>

#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/io/eigen.hpp>
#include <optiform/io/npy.hpp>
#include <optiform/io/xtensor.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>

using namespace optiform;

namespace {

int run(const std::filesystem::path& directory) {
  // Memory is ours: one allocation, and views of it.
  const Index rows = 3, columns = 4, inner = 5;
  Buffer<float> memory(rows * inner + inner * columns + rows * columns);
  const TensorRef<float, 2> a{memory.data(), {rows, inner}};
  const TensorRef<float, 2> b{a.data + a.size(), {inner, columns}};
  const TensorRef<float, 2> c{b.data + b.size(), {rows, columns}};
  Rng rng(1);
  for (float& x : memory) x = static_cast<float>(static_cast<int>(rng.below(7)) - 3);

  // xtensor sees the same numbers: arithmetic with broadcasting, in place.
  auto ax = as_xtensor(a);
  const xt::xtensor<float, 1> mean = xt::mean(ax, {0});
  ax -= mean;
  std::printf("xtensor: each column of a now has mean 0, a(0, 0) = %.3f\n",
              static_cast<double>(a(0, 0)));

  // Eigen too: a product from views into a view.
  as_eigen(c).noalias() = as_eigen(a) * as_eigen(b);
  std::printf("Eigen: c = a b has norm %.3f\n", static_cast<double>(as_eigen(c).norm()));

  // And back: whatever xtensor owns is a tensor to the library.
  xt::xtensor<float, 2> ones = xt::ones<float>({rows, columns});
  const TensorRef<const float, 2> o = tensor_ref<2>(ones);
  std::printf("tensor_ref: %td x %td, sum %g\n", o.extent[0], o.extent[1],
              static_cast<double>(as_eigen(o).sum()));

  // .npy: numpy.load() reads what save_npy writes; load_npy refuses what does not fit.
  const auto path = directory / "border.npy";
  save_npy(path, c);
  const xt::xarray<float> loaded = load_npy<float>(path);
  try {
    load_npy(path, a);  // 3 x 5 is wanted here
  } catch (const Error& error) {
    std::printf("refused, as it should be: its shape is not that of a\n");
  }
  const float residual = xt::amax(xt::abs(loaded - as_xtensor(c)))();
  std::printf("border.npy holds %zu x %zu, largest residual %g\n", loaded.shape()[0],
              loaded.shape()[1], static_cast<double>(residual));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
