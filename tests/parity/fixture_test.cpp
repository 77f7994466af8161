// SPDX-License-Identifier: MIT
#include "../support/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <optiform/core/error.hpp>
#include <optiform/io/safetensors.hpp>

namespace optiform::testing {

const std::string fixture_folder = OPTIFORM_SOURCE_DIR "/tests/parity/fixtures/";

Fixture::Fixture(const std::string& name)
    : file_(std::make_unique<SafetensorsFile>(fixture_folder + name + ".safetensors")) {}
Fixture::~Fixture() = default;

std::string Fixture::text(const std::string& key) const { return file_->metadata().at(key); }
double Fixture::real(const std::string& key) const { return std::stod(text(key)); }
Index Fixture::integer(const std::string& key) const { return std::stol(text(key)); }
bool Fixture::contains(const std::string& tensor) const { return file_->contains(tensor); }

template <class T>
std::vector<T> Fixture::read(const std::string& tensor) const {
  const auto& shape = file_->describe(tensor).shape;
  Index size = 1;
  for (const Index extent : shape) size *= extent;
  std::vector<T> values(static_cast<std::size_t>(size));
  file_->read(tensor, shape, values.data());
  return values;
}
std::vector<std::int32_t> Fixture::ids(const std::string& tensor) const {
  return read<std::int32_t>(tensor);
}

template <class T>
void Fixture::fill(const std::string& kind, const ParameterTable& table, T* flat) const {
  for (const auto& entry : table.entries())
    file_->read(kind + "." + entry.name, entry.shape, flat + entry.offset);
  const auto stored = std::count_if(file_->tensors().begin(), file_->tensors().end(),
                                    [&](auto& t) { return t.name.starts_with(kind + "."); });
  if (stored != static_cast<Index>(table.entries().size()))
    fail("the model has ", table.entries().size(), " parameters, the fixture ", stored);
}

template std::vector<float> Fixture::read(const std::string&) const;
template std::vector<double> Fixture::read(const std::string&) const;
template std::vector<std::int32_t> Fixture::read(const std::string&) const;
template void Fixture::fill(const std::string&, const ParameterTable&, float*) const;
template void Fixture::fill(const std::string&, const ParameterTable&, double*) const;

}  // namespace optiform::testing

using namespace optiform;

TEST_CASE("the fixtures stay small and each one trains, with clipping on and off") {
  std::uintmax_t bytes = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(testing::fixture_folder)) {
    INFO("fixture ", entry.path().stem().string());
    const testing::Fixture fixture(entry.path().stem().string());
    bytes += entry.file_size();
    if (!fixture.contains("losses")) continue;  // an optimizer's, without a model
    ++files;
    const auto losses = fixture.read("losses"), norms = fixture.read("gradient_norms");
    CHECK(losses.size() == 51);
    CHECK(losses.back() < 0.75 * losses.front());
    const auto clipped = std::count_if(norms.begin(), norms.end(),
                                       [&](double n) { return n > fixture.real("clip"); });
    CHECK(clipped > 5);
    CHECK(clipped < 48);
  }
  CHECK(files == 16);
  CHECK(bytes < 1'400'000);
}

TEST_CASE("a fixture refuses a model with other parameters") {
  const testing::Fixture fixture("vanilla");
  std::vector<double> flat(64);
  ParameterTable one, other;
  one.add("final_ln.weight", Role::norm, {21}, Initialisation::value(1));
  other.add("final_ln.weight", Role::norm, {20}, Initialisation::value(1));
  CHECK_THROWS_AS(fixture.fill("weights", one, flat.data()), Error);
  CHECK_THROWS_AS(fixture.fill("weights", other, flat.data()), Error);
}
