// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include <optiform/rules/print.hpp>

#include "../../examples/print_programs/programs.hpp"

using namespace optiform;

namespace {

/// Triple momentum with everything that a printed rule can show.
struct Talkative : Rule {
  Row v = stream("velocity", Init::zeros);
  Row s = stream("scale", Init::ones);
  Scalar mu = unit("mu", 0.5), gamma = positive("gamma", 2), epsilon = constant("epsilon", 1e-3);
  Scalar nu = positive("nu", 1), step_size = rate("eta");
  constexpr Talkative() { pin(nu, 3); }

  constexpr Row query() const { return x - mu * (x - v); }
  constexpr void step(Row g) {
    const Row u = g / (gamma * s + epsilon);
    v = normalise(v - u * u);
    s = sqrt(s) + debias(s, mu);
    x -= (nu - mu) * (u - step_size * v);
  }
  constexpr Row read_out() const { return x + v; }
};

std::string formula(short (*build)(Graph&, short a, short b, short c)) {
  Graph g;
  ProgramNames names;
  names.input[0] = "a";
  names.input[1] = "b";
  names.input[2] = "c";
  const short a = g.input(0), b = g.input(1), c = g.input(2);
  const short made = build(g, a, b, c);
  return detail::FormulaPrinter(g, names).text(made);
}

}  // namespace

TEST_CASE("a printed rule shows streams, coefficients, query, step and read-out") {
  CHECK(print_rule(recording<Talkative>) ==
        "stream       velocity, starts at 0\n"
        "stream       scale, starts at 1\n"
        "coefficient  mu in (0, 1), learned from 0.5\n"
        "coefficient  gamma > 0, learned from 2\n"
        "coefficient  epsilon = 0.001, given\n"
        "coefficient  nu = 3, pinned\n"
        "coefficient  eta, the learning rate; 1 in depth\n"
        "query        x - mu * (x - velocity)\n"
        "step         u1 = g / (epsilon + gamma * scale)\n"
        "             velocity' = normalise(velocity - u1^2)\n"
        "             scale' = sqrt(scale) + debias(scale, mu)\n"
        "             x' = x - (3 - mu) * (u1 - eta * velocity')\n"
        "read-out     velocity' + x'\n");
}

TEST_CASE("parentheses stand where the order of operations needs them, and nowhere else") {
  CHECK(formula([](Graph& g, short a, short b, short c) {
          return g.subtract(a, g.subtract(b, c));
        }) == "a - (b - c)");
  CHECK(formula([](Graph& g, short a, short b, short c) {
          return g.subtract(g.subtract(a, b), c);
        }) == "a - b - c");
  CHECK(formula([](Graph& g, short a, short b, short c) {
          return g.divide(a, g.multiply(b, c));
        }) == "a / (b * c)");
  CHECK(formula([](Graph& g, short a, short b, short c) {
          const short sum = g.add(a, b);
          return g.multiply(sum, g.divide(b, c));
        }) == "(a + b) * b / c");
  CHECK(formula([](Graph& g, short a, short b, short c) {
          return g.square(g.root(g.add(a, g.multiply(b, c))));
        }) == "sqrt(a + b * c)^2");
  CHECK(formula([](Graph& g, short a, short b, short) {
          return g.square(g.divide(g.negate(g.add(a, b)), b));
        }) == "(-(a + b) / b)^2");
  CHECK(formula([](Graph& g, short a, short b, short) {
          return g.subtract(b, g.mean(g.multiply(a, b)));
        }) == "b - sum(a * b) / n");
}

TEST_CASE("a graph without a plan prints what its outputs share once") {
  Graph g;
  ProgramNames names;
  names.input[0] = "x";
  names.output[0] = "y";
  names.coefficient[0] = "k";
  const short x = g.input(0), shared = g.add(x, g.coefficient(0));
  g.emit(Sink::store, 0, g.square(shared));
  g.emit(Sink::coefficient_gradient, 0, g.sum(shared));
  CHECK(print_graph(g, names) == "u1 = x + k\ny = u1^2\nd(k) += sum(u1)\n");
}

TEST_CASE("docs/programs.md is what print_programs prints") {
  std::ifstream file(OPTIFORM_SOURCE_DIR "/docs/programs.md");
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  INFO("write it anew: print_programs > docs/programs.md");
  CHECK((committed == programs::page()));
}
