// SPDX-License-Identifier: MIT
// A hundred steps beside torch.optim and loops in numpy. Needs a Python with torch: the one of the
// environment variable PYTHON, or python3.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <optiform/cpu/orthonormal_basis.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

constexpr Index size = 144, steps = 100;
using Numbers = std::vector<double>;

bool python(const std::string& arguments) {
  const char* given = std::getenv("PYTHON");
  const std::string program = given != nullptr && *given != '\0' ? given : "python3";
  return std::system(("'" + program + "' " + arguments + " > /dev/null 2>&1").c_str()) == 0;
}

/// What the script wrote: the problem, then where each optimizer ended.
struct Referee {
  Numbers start, curvature, noise;
  std::FILE* file;

  explicit Referee(const std::string& path) : file(std::fopen(path.c_str(), "rb")) {
    REQUIRE(file != nullptr);
    start = next(size);
    curvature = next(size);
    noise = next(size * steps);
  }
  ~Referee() { std::fclose(file); }
  Numbers next(Index count) {
    Numbers numbers(static_cast<std::size_t>(count));
    REQUIRE(std::fread(numbers.data(), sizeof(double), numbers.size(), file) == numbers.size());
    return numbers;
  }
  /// Compares an optimizer with the next one of the script; all members of one matrix.
  template <class Optimizer>
  double distance(typename Optimizer::template on<Cpu, double>::Options options, double rate,
                  Index rows = 12, Index columns = 12, bool falling = false) {
    Weights<Optimizer, Cpu, double> w(table_of_matrix(rows, columns), options);
    w.values = start;
    for (Index t = 0; t < steps; ++t) {
      for (std::size_t i = 0; i < start.size(); ++i)
        w.gradients[i] = curvature[i] * w.values[i] + noise[static_cast<std::size_t>(t * size) + i];
      const double share = falling ? 1 - static_cast<double>(t) / steps : 1;
      w.optimizer.step(w.context, w.values.data(), w.gradients.data(), 1, share * rate);
    }
    auto expected = next(size);
    for (std::size_t i = 0; i < start.size(); ++i) expected[i] -= start[i], w.values[i] -= start[i];
    return relative_error(w.values, expected);
  }
  template <class R>
  double rule(double rate, CoefficientSchedules coefficients = {}, double decay = 0,
              bool falling = false) {
    WeightOptimizerOptions options;
    options.matrix.weight_decay = decay;
    options.coefficients = std::move(coefficients);
    return distance<WeightOptimizer<R>>(options, rate, 12, 12, falling);
  }
};

}  // namespace

TEST_CASE("python: a hundred steps equal torch.optim's and those of plain loops" *
          doctest::test_suite("python")) {
  if (!python("-c 'import torch; torch.optim.Muon'")) {
    MESSAGE("skipped: no Python with torch.optim.Muon (set PYTHON)");
    return;
  }
  const std::string path =
      (std::filesystem::temp_directory_path() / message("optiform-torch-", ::getpid(), ".bin"))
          .string();
  REQUIRE(python("'" OPTIFORM_SOURCE_DIR "/tests/weights/torch_reference.py' '" + path + "'"));
  {
    Referee torch(path);
    CHECK(torch.rule<GradientDescent>(0.05) < 1e-12);
    CHECK(torch.rule<HeavyBall>(0.05) < 1e-12);
    CHECK(torch.rule<Nesterov>(0.05) < 1e-12);
    CHECK(torch.rule<Nesterov>(0.02, {{"mu", 0.6}, {"beta", 0.6}}) < 1e-12);
    CHECK(torch.rule<Adam>(0.01, {{"beta2", 0.999}}) < 1e-11);
    const CoefficientSchedules other{{"beta1", 0.7}, {"beta2", 0.9}, {"epsilon", 1e-2}};
    CHECK(torch.rule<Adam>(0.02, other) < 1e-11);
    CHECK(torch.rule<AdamW>(0.01, {}, 0.1) < 1e-11);
    CHECK(torch.rule<AdamW>(0.02, other, 1) < 1e-11);
    // torch keeps the product of its momenta in float.
    CHECK(torch.rule<NAdam>(0.01) < 1e-8);
    CHECK(torch.rule<NAdam>(0.01, {{"beta1", 0.8}, {"beta2", 0.95}, {"momentum_decay", 0.1}}) <
          1e-8);
    CHECK(torch.rule<RmsProp>(0.01, {{"beta2", 0.99}}) < 1e-11);
    CHECK(torch.rule<RmsProp>(0.02, {{"beta2", 0.8}, {"epsilon", 1e-2}}) < 1e-11);
    CHECK(torch.rule<Sgd>(0.05, {{"decay", 0.1}}) < 1e-12);
    CHECK(torch.rule<NesterovSgd>(0.05, {{"decay", 0.1}}) < 1e-12);
    CHECK(torch.rule<Sgd>(0.05, {}, 0, true) < 1e-12);
    CHECK(torch.rule<NesterovSgd>(0.05, {}, 0, true) < 1e-12);
    CHECK(torch.distance<MuonOptimizer<>>({.weight_decay = 0.1}, 0.02) < 1e-9);
    CHECK(torch.distance<MuonOptimizer<>>({.weight_decay = 0.1}, 0.02, 18, 8) < 1e-9);
    CHECK(torch.distance<MuonOptimizer<>>({.momentum = 0.8}, 0.01, 8, 18) < 1e-9);
    CHECK(torch.distance<MuonOptimizer<>>({.weight_decay = 0.1, .scale = MuonScale::adamw}, 0.001) <
          1e-9);
    CHECK(torch.distance<MuonOptimizer<>>({.nesterov = false}, 0.02) < 1e-9);
    const auto momentum = CoefficientSchedule::momentum(3);
    CHECK(torch.rule<Nesterov>(0.02, {{"mu", momentum}, {"beta", momentum}}) < 1e-12);
    CHECK(torch.rule<Lion>(0.003, {}, 0.1) < 1e-12);
    const SoapOptions soap{
        .weight_decay = 0.1, .beta1 = 0.9, .covariance_beta = 0.9, .interval = 3};
    CHECK(torch.distance<SoapOptimizer>(soap, 0.01) < 1e-6);
    SoapOptions one_sided = soap;
    one_sided.max_dimension = 8;
    CHECK(torch.distance<SoapOptimizer>(one_sided, 0.01, 18, 8) < 1e-6);
    ShampooOptions shampoo{.epsilon = 1e-2, .interval = 3};
    CHECK(torch.distance<ShampooOptimizer>(shampoo, 0.1) < 1e-9);
    shampoo.beta = 0.9, shampoo.weight_decay = 0.5;
    CHECK(torch.distance<ShampooOptimizer>(shampoo, 0.02) < 1e-9);
  }
  std::filesystem::remove(path);
}

}  // namespace optiform::testing
