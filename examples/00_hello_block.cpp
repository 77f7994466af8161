// SPDX-License-Identifier: MIT
// One layer as one optimizer step: Nesterov's rule asks an MLP for a direction and moves the state.
//
// Run: 00_hello_block
// Last line: x' = x + v' to the last bit: yes
#include <cstdio>

#include <optiform/cpu.hpp>

using namespace optiform;

constexpr Index tokens = 1, width = 4;
using Oracle = Mlp<Gelu>::on<Cpu, float, ModelShape{.width = width, .hidden = 16}>;
using Block = Dynamics<Nesterov, DepthOptions{}, 1>;  // the rule around one oracle
using Ask = Forward<Opening<Block, false>>;           // y = LN(x + mu v)
using Step = Forward<Boundary<Block, Block>>;         // v' = LN(beta v + gamma g), x' = x + v'

void show(const char* name, const float* row) {
  std::printf("%-3s", name);
  for (Index i = 0; i < width; ++i) std::printf(" %8.4f", static_cast<double>(row[i]));
  std::printf("\n");
}

int main() {
  ParameterTable table;  // the oracle's weights, and the memory it works in
  const auto at = Oracle::declare(table, "mlp.", 1);
  MemoryPlan plan;
  const auto cache = Oracle::reserve_cache(plan, "mlp.", 1, tokens);
  const auto scratch = Oracle::reserve_scratch(plan, 1, tokens, false);
  Buffer<float> weights(table.total());
  Buffer<std::byte> arena(plan.bytes());
  Rng rng(1);
  for (float& w : weights) w = static_cast<float>(rng.normal());

  const float x[width] = {1, 2, 3, 4}, v[width] = {0.5f, -0.5f, 0.5f, -0.5f};
  const float gain[width] = {1, 1, 1, 1};
  float y[width], g[width], next_x[width], next_v[width];
  context_t<Cpu> context(1);
  RowArguments<float> a;
  a.rows = tokens;
  a.length = width;
  for (short c = 0; c < 2 * Block::coefficients; ++c)  // this step's, then the next one's
    a.coefficient[c] = Block::rule.coefficient[c % Block::coefficients].initial;
  a.input[0] = x, a.input[1] = v, a.input[2] = g;
  a.column[0] = a.column[1] = gain;

  a.output[2] = y;
  kernels<Cpu>::run_rows<Ask>(context, a);
  Oracle::forward(context, weights.data(), at, arena.data(), cache, scratch, 1, tokens, y, g);
  a.output[0] = next_x, a.output[1] = next_v;  // y becomes the query of the next layer
  kernels<Cpu>::run_rows<Step>(context, a);

  show("x", x), show("v", v), show("g", g), show("v'", next_v), show("x'", next_x);
  bool same = true;
  for (Index i = 0; i < width; ++i) same = same && next_x[i] == x[i] + next_v[i];
  std::printf("x' = x + v' to the last bit: %s\n", same ? "yes" : "no");
}
