// SPDX-License-Identifier: MIT
#include "consumer.hpp"

optiform::Index planned_bytes(optiform::Index tokens) {
  optiform::MemoryPlan plan;
  plan.reserve<float>("tokens", tokens);
  return plan.bytes();
}
