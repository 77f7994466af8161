// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "peer.hpp"
#include "training.hpp"

namespace bench {

/// How PyTorch is asked to train a model; see depth_peer.py.
struct PyTorchSetting {
  std::string mode, adamw;
  int threads;
  std::string rule = "vanilla";

  template <class Shape>
  std::string words() const {
    std::string words =
        "setting " + rule + " " + mode + " " + std::to_string(threads) + " " + adamw;
    for (const Index size :
         {Shape::layers, Index{Shape::model.width}, Index{Shape::model.heads},
          Index{Shape::model.hidden}, Shape::vocabulary, Shape::batch, Shape::length})
      words += " " + std::to_string(size);
    return words;
  }
  std::string name() const {
    return mode + ", " + std::to_string(threads) + " threads, AdamW " + adamw;
  }
};

}  // namespace bench
