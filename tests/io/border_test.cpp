// SPDX-License-Identifier: MIT
// xtensor, Eigen and .npy at the border of the library.
#include <numeric>

#include <optiform/io/eigen.hpp>
#include <optiform/io/npy.hpp>
#include <optiform/io/xtensor.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class Map>
inline constexpr bool is_writable = requires(Map map) {
  map(0, 0) = 1.0f;
};

}  // namespace

TEST_CASE("as_xtensor: sees the same memory, in every rank") {
  auto data = ramp(24);
  const TensorRef<float, 3> tensor{data.data(), {2, 3, 4}};
  auto x = as_xtensor(tensor);
  CHECK(x.data() == data.data());
  CHECK(x.shape() == std::array<std::size_t, 3>{2, 3, 4});
  CHECK(x(1, 2, 3) == tensor(1, 2, 3));
  x(0, 1, 2) = 100;
  CHECK(tensor(0, 1, 2) == 100);
  x += 1;
  CHECK(data[0] == 0);
  CHECK(as_xtensor(TensorRef<float, 1>{data.data(), {24}})(6) == 101);
  CHECK(xt::sum(as_xtensor(TensorRef<float, 2>{data.data(), {0, 5}}))() == 0);
}

TEST_CASE("as_xtensor: of constant memory is read-only") {
  const auto data = ramp(6);
  const auto x = as_xtensor(TensorRef<const float, 2>{data.data(), {2, 3}});
  CHECK(x(1, 2) == 1.5f);
  static_assert(
      std::is_same_v<decltype(as_xtensor(TensorRef<const float, 2>{}).data()), const float*>);
}

TEST_CASE("tensor_ref: an xtensor container is seen without a copy") {
  xt::xtensor<double, 2> x = {{1, 2, 3}, {4, 5, 6}};
  const auto tensor = tensor_ref<2>(x);
  CHECK(tensor.data == x.data());
  CHECK(tensor.extent[1] == 3);
  tensor(1, 0) = 40;
  CHECK(x(1, 0) == 40);
  const auto& constant = x;
  static_assert(std::is_same_v<decltype(tensor_ref<2>(constant)), TensorRef<const double, 2>>);
  xt::xarray<float> any = xt::zeros<float>({2, 2, 2});
  CHECK(tensor_ref<3>(any).size() == 8);
  CHECK_REFUSED("3 axes was given, expected 2", tensor_ref<2>(any));
  // There and back.
  auto adapted = as_xtensor(tensor);
  CHECK(tensor_ref<2>(adapted).data == x.data());
}

TEST_CASE("as_eigen: sees the same memory, row-major") {
  auto data = ramp(6);
  const TensorRef<float, 2> tensor{data.data(), {2, 3}};
  auto m = as_eigen(tensor);
  CHECK(m.data() == data.data());
  CHECK(m.rows() == 2);
  CHECK(m(1, 0) == tensor(1, 0));
  m.row(1).setConstant(8);
  CHECK(data[3] == 8);
  CHECK(as_eigen(TensorRef<float, 1>{data.data(), {6}}).sum() == doctest::Approx(22.5));
  static_assert(is_writable<decltype(as_eigen(TensorRef<float, 2>{}))>);
  static_assert(!is_writable<decltype(as_eigen(TensorRef<const float, 2>{}))>);
  const TensorRef<const float, 2> constant = tensor;
  CHECK(as_eigen(constant)(0, 0) == -1);
}

TEST_CASE("as_eigen: products need no copy and no alignment") {
  std::vector<float> memory(1 + 6 + 6 + 4, 0.0f);
  const TensorRef<float, 2> a{memory.data() + 1, {2, 3}}, b{memory.data() + 7, {2, 3}},
      c{memory.data() + 13, {2, 2}};
  for (Index i = 0; i < 6; ++i) a.data[i] = b.data[i] = static_cast<float>(i);
  as_eigen(c).noalias() = as_eigen(a) * as_eigen(b).transpose();
  CHECK(c(0, 1) == 0 * 3 + 1 * 4 + 2 * 5);
  CHECK(c(1, 1) == 9 + 16 + 25);
}

TEST_CASE("tensor_ref: Eigen matrices and vectors are seen without a copy") {
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  const auto tensor = tensor_ref(m);
  CHECK(tensor.data == m.data());
  CHECK(tensor(1, 2) == 6);
  const auto& constant = m;
  static_assert(std::is_same_v<decltype(tensor_ref(constant)), TensorRef<const double, 2>>);
  Eigen::VectorXf v = Eigen::VectorXf::Ones(4);
  CHECK(tensor_ref(v).extent[0] == 4);
}

TEST_CASE("npy: files written by NumPy are read") {
  const auto x = load_npy<float>(fixtures / "matrix.npy");
  CHECK(x.shape()[0] == 2);
  CHECK(x.shape()[1] == 3);
  CHECK(std::equal(x.begin(), x.end(), ramp(6).begin()));
  CHECK(load_npy<std::int32_t>(fixtures / "integers.npy")(0) == -2);
  CHECK(load_npy<double>(fixtures / "number.npy")() == 0.25);
  CHECK(load_npy<double>(fixtures / "deep.npy").dimension() == 31);
  CHECK(load_npy<float>(fixtures / "version2.npy").size() == 4);
  std::vector<float> into(6);
  load_npy(fixtures / "matrix.npy", TensorRef<float, 2>{into.data(), {2, 3}});
  CHECK(into == ramp(6));
}

TEST_CASE("npy: what is written is read back, by xtensor too") {
  TemporaryDirectory directory;
  const auto path = directory / "x.npy";
  auto data = ramp(15);
  save_npy(path, TensorRef<const float, 2>{data.data(), {3, 5}});
  const auto x = load_npy<float>(path);
  CHECK(x == xt::load_npy<float>(path.string()));
  CHECK(std::equal(x.begin(), x.end(), data.begin()));
  save_npy(path, x * 2.0f);  // an expression, over the old file
  CHECK(load_npy<float>(path)(2, 4) == 12);
  save_npy(path, xt::view(x, xt::all(), xt::range(1, 3)));
  CHECK(load_npy<float>(path) == xt::view(x, xt::all(), xt::range(1, 3)));
  const xt::xtensor<float, 2, xt::layout_type::column_major> columns = x;
  save_npy(path, columns);
  CHECK(load_npy<float>(path) == x);
  xt::xtensor<std::int64_t, 1> none = xt::zeros<std::int64_t>({0});
  save_npy(path, none);
  CHECK(load_npy<std::int64_t>(path).size() == 0);
  CHECK(names_in(directory.path()).size() == 1);
}

TEST_CASE("npy: bad files are refused with one sentence") {
  TemporaryDirectory directory;
  const auto path = directory / "x.npy";
  const std::string good = read_bytes(fixtures / "matrix.npy");
  std::vector<float> into(6);
  CHECK_REFUSED("none.npy': No such file", load_npy<float>(directory / "none.npy"));
  CHECK_REFUSED("not a regular file", load_npy<float>(directory.path()));
  CHECK_REFUSED("Fortran order", load_npy<float>(fixtures / "fortran.npy"));
  CHECK_REFUSED("its type is '<f4', expected '<f8'", load_npy<double>(fixtures / "matrix.npy"));
  CHECK_REFUSED("its type is '<i4', expected '<f4'", load_npy<float>(fixtures / "integers.npy"));
  CHECK_REFUSED("its shape is [2, 3], expected [3, 2]",
                load_npy(fixtures / "matrix.npy", TensorRef<float, 2>{into.data(), {3, 2}}));
  CHECK_REFUSED("its shape is [2, 3], expected [6]",
                load_npy(fixtures / "matrix.npy", TensorRef<float, 1>{into.data(), {6}}));
  const auto refused = [&](const std::string& part, const std::string& bytes) {
    write_bytes(path, bytes);
    CAPTURE(part);
    CHECK_REFUSED(part, load_npy<float>(path));
  };
  const auto header = [&](const std::string& part, std::string text) {
    text.resize(118, ' ');
    refused(part, good.substr(0, 10) + text + good.substr(128));
  };
  refused("does not begin", "");
  refused("does not begin", "\x93NUMPX" + good.substr(6));
  refused("version 4.0 is unknown", good.substr(0, 6) + '\4' + good.substr(7));
  refused("truncated", good.substr(0, 100));
  refused("does not fit its 20 bytes", good.substr(0, good.size() - 4));
  refused("does not fit its 25 bytes", good + 'x');
  header("malformed", "");
  header("malformed", "{'descr': '<f4', 'fortran_order': False}");
  header("malformed", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)");
  header("malformed", "{'descr': '<f4', 'fortran_order': Falsx, 'shape': (2, 3)}");
  header("malformed", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}");
  header("malformed", "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}");
  header("malformed", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}");
  header("malformed", "{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (2, 3)}");
  header("malformed", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}");
  header("expected '<f4'", "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}");
  header("does not fit",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}");
  header("does not fit", "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 1)}");
  header("does not fit", "{'descr': '<f4', 'fortran_order': False, 'shape': ()}");
  // Any order of the keys, either quote.
  std::string odd = "{\"shape\": (6,), 'fortran_order': True, 'descr': '<f4', }\n";
  odd.resize(118, ' ');
  write_bytes(path, good.substr(0, 10) + odd + good.substr(128));
  CHECK(load_npy<float>(path).size() == 6);
}

TEST_CASE("npy: a file with a changed byte or cut anywhere is valid or refused") {
  TemporaryDirectory directory;
  const auto path = directory / "x.npy";
  const std::string good = read_bytes(fixtures / "matrix.npy");
  write_bytes(path, good);
  const auto use = [&] { return refusal([&] { load_npy<float>(path); }); };
  REQUIRE(use() == "");
  Rng rng(3);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto at = static_cast<std::size_t>(rng.below(i % 8 == 0 ? good.size() : 70));
    const char value = i % 2 == 0 ? static_cast<char>(rng.below(256))
                                  : "{}()',: 0123456789TrueFalse<>|fi"[rng.below(32)];
    write_byte(path, at, value);
    const std::string sentence = use();
    INFO("byte ", at, ": ", sentence);
    REQUIRE((sentence.empty() || is_one_sentence(sentence)));
    refused += sentence.empty() ? 0 : 1;
    write_byte(path, at, good[at]);
  }
  CHECK(refused > 1000);
  for (std::size_t size = good.size(); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    REQUIRE(is_one_sentence(use()));
  }
}
