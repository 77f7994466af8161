// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/core/epilogue.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/unrolled.hpp>
#include <optiform/policy/networks/activations.hpp>
#include <optiform/policy/networks/orthogonal.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A small network of full layers, y = W x + b, with an activation between them:
/// `DenseNetwork<Tanh, 4, 64, 64, 2>`. A pure description; `on<Backend, T>` evaluates it.
///
/// Shapes    input [rows, inputs], output [rows, outputs]; parameters: for every layer W
///           [out, in] and b [out], each starting at a multiple of 16 elements. The gaps stay as
///           they are: zero, if they began so.
template <class Activation, int... Sizes>
struct DenseNetwork {
  static_assert(sizeof...(Sizes) >= 2 && ((Sizes > 0) && ...),
                "optiform: DenseNetwork - expected at least an input and an output size, all "
                "positive");
  static constexpr int layers = static_cast<int>(sizeof...(Sizes)) - 1;
  static constexpr Index width[layers + 1] = {Sizes...};
  static constexpr Index inputs = width[0], outputs = width[layers];

  /// Offsets into the flat parameter vector.
  static constexpr Index weight(int layer) {
    Index offset = 0;
    for (int l = 0; l < layer; ++l)
      offset += aligned(width[l] * width[l + 1]) + aligned(width[l + 1]);
    return offset;
  }
  static constexpr Index bias(int layer) {
    return weight(layer) + aligned(width[layer] * width[layer + 1]);
  }
  /// Elements of the flat parameter vector, gaps included.
  static constexpr Index size = weight(layers);

  /// Orthogonal weights, with the activation's gain except in the last layer; biases 0.
  template <class T>
  static void initialise(Rng& rng, double last_gain, T* parameters) {
    for (int l = 0; l < layers; ++l) {
      orthogonal(rng, width[l + 1], width[l], l + 1 < layers ? Activation::gain : last_gain,
                 parameters + weight(l));
      std::fill_n(parameters + bias(l), width[l + 1], T(0));
    }
  }

  /// Contract  `backward` follows the `forward` whose derivative it computes; the input and the
  ///           parameters are still there. Memory grows with the largest batch seen and is then
  ///           kept.
  template <class Backend, class T>
  class on {
    using K = kernels<Backend>;

   public:
    explicit on(context_t<Backend>& context) : context_(context) {}

    const T* forward(const T* parameters, Index rows, const T* input) {
      reserve(rows);
      rows_ = rows;
      input_ = input;
      [&]<int... L>(std::integer_sequence<int, L...>) { (layer_forward<L>(parameters), ...); }
      (std::make_integer_sequence<int, layers>{});
      return output();
    }
    const T* output() const { return preactivation_[at(layers - 1)].data(); }

    /// gradients = d/d parameters, and input_gradient = d/d input where it is wanted.
    void backward(const T* parameters, const T* output_gradient, T* gradients,
                  T* input_gradient = nullptr) {
      const T* dz = output_gradient;
      unrolled<layers>([&](int i) OPTIFORM_INLINE_LAMBDA {
        const int l = layers - 1 - i;
        const Index in = width[l], out = width[l + 1];
        K::gemm(context_, Transpose::yes, Transpose::no, out, in, rows_, T(1), dz, out,
                layer_input(l), in, T(0), gradients + weight(l), in);
        T* const OPTIFORM_RESTRICT db = gradients + bias(l);
        for (Index o = 0; o < out; ++o) db[o] = T(0);
        for (Index r = 0; r < rows_; ++r)
          for (Index o = 0; o < out; ++o) db[o] += dz[r * out + o];
        T* const dx = l > 0 ? gradient_[at(l - 1)].data() : input_gradient;
        if (dx == nullptr) return;
        K::gemm(context_, Transpose::no, Transpose::no, rows_, in, out, T(1), dz, out,
                parameters + weight(l), in, T(0), dx, in);
        if (l > 0)
          K::template activation_backward<Activation>(context_, rows_ * in,
                                                      preactivation_[at(l - 1)].data(), dx, dx);
        dz = dx;
      });
    }

   private:
    static constexpr std::size_t at(int l) { return static_cast<std::size_t>(l); }

    template <int l>
    void layer_forward(const T* parameters) {
      constexpr Index in = width[l], out = width[l + 1];
      const T* const w = parameters + weight(l);
      const AddBias<T> add_bias{parameters + bias(l)};
      T* const z = preactivation_[at(l)].data();
      if constexpr (l + 1 < layers)
        K::template linear<out, in>(context_, rows_, layer_input(l), w, activation_[at(l)].data(),
                                    epilogue(add_bias, Keep<T>{z, out}, Activate<Activation>{}));
      else
        K::template linear<out, in>(context_, rows_, layer_input(l), w, z, add_bias);
    }
    const T* layer_input(int l) const { return l == 0 ? input_ : activation_[at(l - 1)].data(); }
    void reserve(Index rows) {
      if (rows <= reserved_) return;
      for (int l = 0; l < layers; ++l) {
        preactivation_[at(l)].reset(rows * width[l + 1]);
        if (l + 1 == layers) continue;
        activation_[at(l)].reset(rows * width[l + 1]);
        gradient_[at(l)].reset(rows * width[l + 1]);
      }
      reserved_ = rows;
    }

    context_t<Backend>& context_;
    Index rows_ = 0, reserved_ = 0;
    const T* input_ = nullptr;
    std::array<Buffer<T>, static_cast<std::size_t>(layers)> preactivation_, activation_, gradient_;
  };

 private:
  static constexpr Index aligned(Index size) { return (size + 15) / 16 * 16; }
};

OPTIFORM_NAMESPACE_END
