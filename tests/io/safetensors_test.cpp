// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include <optiform/io/parameters.hpp>
#include <optiform/io/safetensors.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class T>
std::vector<T> read(const SafetensorsFile& file, const std::string& name,
                    const std::vector<Index>& shape) {
  std::vector<T> values(*detail::byte_count(DType::u8, shape));
  file.read(name, shape, values.data());
  return values;
}

/// A file with this header and this many bytes of data.
std::string file_bytes(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\1');
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: what is written is read back, in every type") {
  TemporaryDirectory directory;
  const auto path = directory / "file.safetensors";
  const auto f32 = ramp<float>(6);
  const auto f64 = ramp<double>(4);
  const std::int32_t i32[] = {-1, 2};
  const std::int64_t i64 = std::int64_t{1} << 40;
  const std::uint8_t u8[] = {1, 2, 255};
  write_safetensors(path,
                    {{{"u8", DType::u8, {3}}, u8},
                     {{"f32", DType::f32, {2, 3}}, f32.data()},
                     {{"i32", DType::i32, {1, 2}}, i32},
                     {{"i64", DType::i64, {}}, &i64},
                     {{"f64", DType::f64, {2, 2}}, f64.data()},
                     {{"none", DType::f32, {0, 7}}, nullptr}},
                    {{"key \"quoted\"", "value\n"}});
  const SafetensorsFile file(path);
  CHECK(read<float>(file, "f32", {2, 3}) == f32);
  CHECK(read<double>(file, "f32", {2, 3}) == ramp<double>(6));
  CHECK(read<double>(file, "f64", {2, 2}) == f64);
  CHECK(read<float>(file, "f64", {2, 2}) == ramp<float>(4));
  CHECK(read<std::int32_t>(file, "i32", {1, 2}) == std::vector<std::int32_t>{-1, 2});
  CHECK(read<std::int64_t>(file, "i64", {})[0] == i64);
  CHECK(read<std::uint8_t>(file, "u8", {3}) == std::vector<std::uint8_t>{1, 2, 255});
  CHECK(read<float>(file, "none", {0, 7}).empty());
  CHECK(file.metadata().at("key \"quoted\"") == "value\n");
  CHECK(file.tensors().front().name == "i64");  // wide types first: all data is aligned
  CHECK(file.tensors().back().name == "u8");
  CHECK(file.contains("none"));
  CHECK_FALSE(file.contains("nothing"));
}

TEST_CASE("safetensors: the same tensors give the same bytes, and their checksums") {
  TemporaryDirectory directory;
  const auto data = ramp<float>(100'000);
  const std::vector<TensorSource> tensors{{{"a", DType::f32, {100'000}}, data.data()},
                                          {{"b", DType::f32, {}}, data.data()}};
  const auto sums = write_safetensors(directory / "1", tensors, {{"k", "v"}});
  write_safetensors(directory / "2", tensors, {{"k", "v"}});
  CHECK(read_bytes(directory / "1") == read_bytes(directory / "2"));
  CHECK(SafetensorsFile(directory / "1").checksums() == sums);
  CHECK(sums.tensors[0].second == crc64(data.data(), 400'000));
  CHECK(sums.header_bytes % 8 == 0);
}

TEST_CASE("safetensors: a file written by Python is read, with conversions") {
  const SafetensorsFile file(fixtures / "python.safetensors");
  CHECK(file.tensors().size() == 11);
  CHECK(file.metadata().at("made by") == "Python");
  CHECK(read<double>(file, "double", {2, 3}) == ramp<double>(6));
  CHECK(read<float>(file, "double", {2, 3}) == ramp<float>(6));
  CHECK(read<float>(file, "single", {3, 2}) == ramp<float>(6));
  CHECK(read<float>(file, "half", {5}) == ramp<float>(5));
  CHECK(read<double>(file, "half", {5}) == ramp<double>(5));
  CHECK(read<float>(file, "brain", {2, 2}) == ramp<float>(4));
  CHECK(read<double>(file, "scalar", {})[0] == 0.25);
  CHECK(read<float>(file, "empty", {0, 4}).empty());
  CHECK(read<std::int64_t>(file, "long", {2}) ==
        std::vector<std::int64_t>{-1, std::int64_t{1} << 40});
  CHECK(read<std::int32_t>(file, "int", {1, 2}) == std::vector<std::int32_t>{7, -8});
  CHECK(read<std::uint8_t>(file, "bytes", {2}) == std::vector<std::uint8_t>{0, 255});
  CHECK(read<std::uint8_t>(file, "mask", {3}) == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(file.contains("naïve ☃"));
}

TEST_CASE("safetensors: torch.compile's prefix is dropped from names, on request not") {
  CHECK(SafetensorsFile(fixtures / "python.safetensors").contains("single"));
  const SafetensorsFile raw(fixtures / "python.safetensors", {.strip_orig_mod = false});
  CHECK(raw.contains("_orig_mod.single"));
  CHECK_FALSE(raw.contains("single"));

  TemporaryDirectory directory;
  const auto path = directory / "x";
  const auto entry = [](int i) {
    return tensor("U8", "[1]", "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
  };
  write_bytes(path, file_bytes(R"({"layers._orig_mod.0._orig_mod.w":)" + entry(0) +
                                   R"(,"my_orig_mod.w":)" + entry(1) + "}",
                               2));
  CHECK(SafetensorsFile(path).contains("layers.0.w"));
  CHECK(SafetensorsFile(path).contains("my_orig_mod.w"));
  write_bytes(path, file_bytes(R"({"_orig_mod.w":)" + entry(0) + R"(,"w":)" + entry(1) + "}", 2));
  CHECK_REFUSED("'w' twice", SafetensorsFile{path});
}

TEST_CASE("safetensors: large tensors are converted in pieces") {
  TemporaryDirectory directory;
  const std::size_t size = 300'001;
  std::vector<float> data(size);
  Rng rng(1);
  for (auto& value : data) value = static_cast<float>(rng.normal());
  write_safetensors(directory / "x", {{{"a", DType::f32, {Index{size}}}, data.data()}});
  const auto wide = read<double>(SafetensorsFile(directory / "x"), "a", {Index{size}});
  for (std::size_t i = 0; i < size; ++i) REQUIRE(wide[i] == static_cast<double>(data[i]));
}

TEST_CASE("safetensors: a wrong name, shape or type is refused by name") {
  const SafetensorsFile file(fixtures / "python.safetensors");
  float out[16];
  std::int32_t ints[16];
  CHECK_REFUSED("no tensor 'x'", file.read("x", {1}, out));
  CHECK_REFUSED("'double' has shape [2, 3], expected [3, 2]", file.read("double", {3, 2}, out));
  CHECK_REFUSED("'scalar' has shape [], expected [1]", file.read("scalar", {1}, out));
  CHECK_REFUSED("'int' has type I32, expected a floating-point type",
                file.read("int", {1, 2}, out));
  CHECK_REFUSED("'long' has type I64, expected I32", file.read("long", {2}, ints));
  CHECK_REFUSED("'double' has type F64, expected I32", file.read("double", {2, 3}, ints));
}

TEST_CASE("safetensors: a header that lies is refused with one sentence") {
  TemporaryDirectory directory;
  const auto path = directory / "x.safetensors";
  const auto refused = [&](const std::string& part, const std::string& bytes) {
    write_bytes(path, bytes);
    CAPTURE(part);
    CHECK_REFUSED(part, SafetensorsFile{path});
    CHECK_REFUSED("x.safetensors", SafetensorsFile{path});
  };
  const auto header = [&](const std::string& part, const std::string& text, std::size_t data = 4) {
    refused(part, file_bytes(text, data));
  };
  const auto one = [&](const std::string& part, const std::string& dtype, const std::string& shape,
                       const std::string& offsets, std::size_t data = 4) {
    header(part, R"({"w":)" + tensor(dtype, shape, offsets) + "}", data);
  };
  // the file
  CHECK_REFUSED("No such file", SafetensorsFile(directory / "none"));
  CHECK_REFUSED("not a regular file", SafetensorsFile(directory.path()));
  refused("too short", "");
  refused("too short", "1234567");
  refused("over 100 MB", std::string(8, '\xff') + "{}");
  refused("over 100 MB", std::string("\0\0\0\0\1\0\0\0{}", 10));
  refused("truncated", std::string("\x10\0\0\0\0\0\0\0{}", 10));
  // torch.save: a zip archive or a pickle; a header may be 128 bytes long
  using namespace std::string_literals;
  for (const std::string& start :
       {"PK\3\4\0\0\10\10"s, "PK\3\4\0\0\0\0"s, "\x80\2\x8a\nl\xfc\x9c\x46"s})
    refused("it is a file of torch.save, expected safetensors", start + "{}");
  header("malformed", "{" + std::string(127, ' '));
  // JSON
  header("does not begin with '{'", "");
  header("does not begin with '{'", " {}");
  header("does not begin with '{'", "[]");
  header("malformed", "{");
  header("malformed", "{}}");
  header("malformed", R"({"w":})");
  header("malformed", "{\"\xff\":1}");
  header("malformed", std::string("{}\0", 3));
  header("entry 'w' is a number", R"({"w":1})");
  header("entry 'w' is an array", R"({"w":[]})");
  header("entry 'w' is null", R"({"w":null})");
  header("entry '__metadata__' is a string", R"({"__metadata__":"x"})");
  header("its __metadata__ has an object", R"({"__metadata__":{"a":{}}})");
  header("its __metadata__ has 'a' twice", R"({"__metadata__":{"a":"","a":""}})");
  header("an array under 'shape'", "{\"w\":{\"shape\":" + std::string(1'000'000, '['));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"shape":)";
  header("an object under 'shape'", objects);
  // entries
  header("lacks one of", R"({"w":{}})");
  header("lacks one of", R"({"w":{"dtype":"F32","shape":[1]}})");
  header("unknown field 'x'", R"({"w":{"x":1}})");
  header("'w' twice", R"({"w":)" + tensor("F32", "[1]", "[0,4]") + R"(,"w":)" +
                          tensor("F32", "[1]", "[0,4]") + "}");
  header("has 'dtype' twice", R"({"w":{"dtype":"F32","dtype":"F32"}})");
  one("unsupported dtype 'F31'", "F31", "[1]", "[0,4]");
  one("unsupported dtype 'f32'", "f32", "[1]", "[0,4]");
  one("a number under 'shape'", "F32", "1", "[0,4]");
  one("a string under 'shape'", "F32", R"("[1]")", "[0,4]");
  one("an object under 'shape'", "F32", R"({"a":1})", "[0,4]");
  one("a string under 'shape'", "F32", R"(["1"])", "[0,4]");
  one("null under 'shape'", "F32", "[null]", "[0,4]");
  one("a negative number under 'shape'", "F32", "[-1]", "[0,4]");
  one("no 64-bit unsigned integer", "F32", "[1.0]", "[0,4]");
  one("no 64-bit unsigned integer", "F32", "[18446744073709551616]", "[0,4]");
  one("impossible extent 9223372036854775808", "F32", "[9223372036854775808]", "[0,4]");
  one("impossible shape", "F32", "[4294967296,4294967296]", "[0,4]");
  one("impossible shape", "F32", "[0,4611686018427387904,4611686018427387904]", "[0,4]");
  one("not two numbers", "F32", "[1]", "[4]");
  one("not two numbers", "F32", "[1]", "[0,4,4]");
  one("needs 8 bytes but has 4", "F32", "[2]", "[0,4]");
  one("needs 4 bytes but has 8", "F32", "[1]", "[0,8]", 8);
  one("bytes 4 to 0", "F32", "[1]", "[4,0]");
  one("bytes 0 to 8 of 4", "F32", "[2]", "[0,8]");
  one("bytes 0 to 4 of 3", "F32", "[1]", "[0,4]", 3);
  one("gap of 4 bytes", "F32", "[1]", "[4,8]", 8);
  one("cover 4 of 5 bytes", "F32", "[1]", "[0,4]", 5);
  header("cover 0 of 4 bytes", "{}");
  header(
      "'b' overlaps",
      R"({"a":)" + tensor("F32", "[2]", "[0,8]") + R"(,"b":)" + tensor("F32", "[1]", "[4,8]") + "}",
      8);
}

TEST_CASE("safetensors: unusual but valid headers are accepted") {
  TemporaryDirectory directory;
  const auto path = directory / "x";
  write_bytes(path, file_bytes("{}", 0));
  CHECK(SafetensorsFile(path).tensors().empty());
  write_bytes(path, file_bytes("{ \"a\" : " + tensor("U8", "[]", "[0,1]") + " }  \n ", 1));
  CHECK(SafetensorsFile(path).tensors().size() == 1);
  // Data in another order than the names; empty tensors anywhere.
  write_bytes(path, file_bytes(R"({"b":)" + tensor("U8", "[1]", "[1,2]") + R"(,"e":)" +
                                   tensor("F64", "[0]", "[1,1]") + R"(,"a":)" +
                                   tensor("U8", "[1]", "[0,1]") + "}",
                               2));
  CHECK(SafetensorsFile(path).tensors().front().name == "a");
}

TEST_CASE("safetensors: what cannot be written is refused before the file is touched") {
  TemporaryDirectory directory;
  const auto path = directory / "x";
  const float data = 1;
  write_bytes(path, "old");
  const auto write = [&](std::vector<TensorSource> tensors) { write_safetensors(path, tensors); };
  CHECK_REFUSED("'w' is reserved or used twice",
                write({{{"w", DType::f32, {}}, &data}, {{"w", DType::f32, {}}, &data}}));
  CHECK_REFUSED("'__metadata__'", write({{{"__metadata__", DType::f32, {}}, &data}}));
  CHECK_REFUSED("not UTF-8", write({{{"\xff", DType::f32, {}}, &data}}));
  CHECK_REFUSED("impossible shape [-1]", write({{{"w", DType::f32, {-1}}, &data}}));
  CHECK_REFUSED("impossible shape",
                write({{{"w", DType::f32, {Index{1} << 40, Index{1} << 40}}, &data}}));
  CHECK_REFUSED("has no data", write({{{"w", DType::f32, {1}}, nullptr}}));
  CHECK(read_bytes(path) == "old");
  CHECK(names_in(directory.path()).size() == 1);
}

TEST_CASE("read_parameters: fills the flat vector, gaps untouched") {
  TemporaryDirectory directory;
  ParameterTable table;
  table.add("a", Role::matrix, {2, 3}, Initialisation::normal(1));
  table.add("b", Role::scalar, {}, Initialisation::value(0));
  std::vector<double> values(static_cast<std::size_t>(table.total()), 0.0),
      back(values.size(), 9.0);
  for (int i = 0; i < 6; ++i) values[static_cast<std::size_t>(i)] = 0.1 * i;
  values[16] = 7;
  write_safetensors(directory / "x", parameter_sources(table, values.data()));
  read_parameters(SafetensorsFile(directory / "x"), table, back.data());
  CHECK(std::equal(back.begin(), back.begin() + 6, values.begin()));
  CHECK(back[16] == 7);
  CHECK(back[6] == 9);
  CHECK(back[17] == 9);
}

TEST_CASE("read_parameters: a file of another model is refused before anything is written") {
  TemporaryDirectory directory;
  ParameterTable table, wider, longer;
  table.add("w", Role::matrix, {2, 3}, {});
  wider.add("w", Role::matrix, {2, 4}, {});
  longer.add("w", Role::matrix, {2, 3}, {});
  longer.add("mu", Role::scalar, {}, {});
  std::vector<float> values(64, 1.0f), back(64, 9.0f);
  const auto load = [&](const ParameterTable& from, const ParameterTable& into) {
    write_safetensors(directory / "x", parameter_sources(from, values.data()));
    read_parameters(SafetensorsFile(directory / "x"), into, back.data());
  };
  CHECK_REFUSED("'w' of shape [2, 3], the model expects [2, 4]", load(table, wider));
  CHECK_REFUSED("lacks the model's tensor 'mu' of shape []", load(table, longer));
  CHECK_REFUSED("holds tensor 'mu' of shape [], which the model does not have",
                load(longer, table));
  CHECK(back == std::vector<float>(64, 9.0f));
}
