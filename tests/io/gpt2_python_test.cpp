// SPDX-License-Identifier: MIT
// GPT-2 between Python and us. Needs a Python with torch and safetensors: the one of the
// environment variable PYTHON, or python3.
#include <optiform/cpu/kernels.hpp>

#include "gpt2.hpp"
#include "python.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("python: GPT-2 it draws has its logits here, and comes back bit by bit" *
          doctest::test_suite("python")) {
  if (!python_has("torch, safetensors.torch")) return;
  const TemporaryDirectory folder;
  REQUIRE(python_says("gpt2.py", "write", folder.path()).empty());
  const SafetensorsFile file(folder / "model.safetensors");
  const auto model = fixture_model<FixtureModel<Cpu, double>>();
  Buffer<double> values(model.parameters().total());
  read_gpt2(file, model.parameters(), values.data());
  CHECK(distance_to_expected(folder.path(), model, values.data()) <= 1e-12);
  write_gpt2(folder / "exported.safetensors", model.parameters(), values.data());
  CHECK(python_says("gpt2.py", "check", folder.path()) == "ok\n");
}
