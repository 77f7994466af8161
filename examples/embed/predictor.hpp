// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

// [interface]
/// What the rest of the program sees: no header of the library, no template.
class Predictor {
 public:
  Predictor();
  ~Predictor();

  /// Makes some optimizer steps on the text; returns the last loss, in nats per character.
  double learn(const std::string& text, int steps);
  /// The likeliest next `count` characters.
  std::string continued(const std::string& start, int count) const;

 private:
  struct Network;
  std::unique_ptr<Network> network_;
};
// [interface]
