// SPDX-License-Identifier: MIT
#include "consumer.hpp"

int main() {
  optiform::MemoryPlan plan;
  plan.reserve<float>("tokens", 100);
  return plan.bytes() == planned_bytes(100) ? 0 : 1;
}
