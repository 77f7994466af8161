// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/policy/networks/dense_network.hpp>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"

namespace optiform::testing {

namespace {

template <class Backend, class Activation>
double network_error() {
  using Network = DenseNetwork<Activation, 5, 18, 7, 3>;
  context_t<Backend> context(1);
  typename Network::template on<Backend, double> network(context);
  Rng rng(7);
  constexpr Index rows = 21;
  std::vector<double> parameters(static_cast<std::size_t>(Network::size), 0.0);
  Network::initialise(rng, 1, parameters.data());
  for (int l = 0; l < Network::layers; ++l)
    for (Index i = 0; i < Network::width[l + 1]; ++i)
      parameters[static_cast<std::size_t>(Network::bias(l) + i)] = rng.normal();
  auto input = normal(rng, rows * 5);
  const auto weight = normal(rng, rows * 3);
  std::vector<double> gradients(parameters.size(), 0.0), input_gradient(input.size());
  network.forward(parameters.data(), rows, input.data());
  network.backward(parameters.data(), weight.data(), gradients.data(), input_gradient.data());
  return check_gradients(
             [&] {
               const double* output = network.forward(parameters.data(), rows, input.data());
               double sum = 0;
               for (std::size_t i = 0; i < weight.size(); ++i) sum += weight[i] * output[i];
               return sum;
             },
             {{"parameters", parameters.data(), gradients.data(), Network::size},
              {"input", input.data(), input_gradient.data(), rows * 5}},
             {.step = 1e-6, .coordinates = 400})
      .error;
}

}  // namespace

TEST_CASE("DenseNetwork: gradients are central differences") {
  CHECK(network_error<Reference, Tanh>() < 1e-6);
  CHECK(network_error<Cpu, Tanh>() < 1e-6);
  CHECK(network_error<Reference, Relu>() < 1e-6);
  CHECK(network_error<Cpu, Relu>() < 1e-6);
}

TEST_CASE("DenseNetwork: weights start orthogonal, biases at zero") {
  using Network = DenseNetwork<Tanh, 4, 64, 32, 2>;
  std::vector<double> p(static_cast<std::size_t>(Network::size));
  Rng rng(8);
  Network::initialise(rng, 0.01, p.data());
  for (int l = 0; l < 3; ++l) {
    const Index in = Network::width[l], out = Network::width[l + 1];
    const double gain = l < 2 ? std::sqrt(2.0) : 0.01;
    const double* w = p.data() + Network::weight(l);
    const bool tall = out > in;
    for (Index i = 0; i < (tall ? in : out); ++i)
      for (Index j = 0; j <= i; ++j) {
        double dot = 0;
        for (Index k = 0; k < (tall ? out : in); ++k)
          dot += tall ? w[k * in + i] * w[k * in + j] : w[i * in + k] * w[j * in + k];
        CHECK(std::fabs(dot / (gain * gain) - (i == j ? 1 : 0)) < 1e-12);
      }
    for (Index o = 0; o < out; ++o) CHECK(p[static_cast<std::size_t>(Network::bias(l) + o)] == 0);
  }
}

}  // namespace optiform::testing
