// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <optiform/core/epilogue.hpp>
#include <optiform/core/random.hpp>
#include <optiform/depth/passes.hpp>

OPTIFORM_NAMESPACE_BEGIN

template <class Model>
class Decoder;
template <class Model>
class Inspector;
template <class Model>
class LayerMap;

namespace detail {
template <class Model>
class Folding;
}

/// A decoder-only language model whose layers are optimizer steps. A pure description: feature
/// sizes and structure are types; `on<Backend, T>` instantiates it.
///
///   x_0 = token + position embedding, each learned stream likewise from its own tables
///   x_{k+1}, streams = rule's step with oracle_k(LN(rule's query))        for every step k
///   logits = LN(read-out) token_embedding^T, or a Head's
///
/// Shapes    Segments: Layer<...> or Stack<Layer<...>>, optionally with an Embedding<...> in front
///           and a Head<...> behind; depth, vocabulary, context, batch and length are run-time
///           numbers.
/// Source    backbone of GPT-2; arXiv 2601.23236, arXiv 2605.24425.
template <ModelShape Shape, class... Segments>
struct LanguageModel {
  template <class Backend, class T>
  class on {
    using Types = detail::ModelTypes<Backend, T, Shape, Segments...>;
    using Run = detail::ModelPass<Types>;

   public:
    using Description = LanguageModel;
    using Scalar = T;
    using Context = context_t<Backend>;
    using Workspace = ModelWorkspace<Types>;
    using Decoder = optiform::Decoder<on>;      ///< <optiform/depth/decoder.hpp>
    using Inspector = optiform::Inspector<on>;  ///< <optiform/depth/inspector.hpp>
    using LayerMap = optiform::LayerMap<on>;    ///< <optiform/depth/layer_map.hpp>

    /// Errors  sizes that are not positive, a number of stacks that differs from the type's, an
    ///         override that names no coefficient or leaves its range.
    explicit on(LanguageModelOptions options)
        : options_(checked(std::move(options))), parameters_(options_) {}

    const LanguageModelOptions& options() const { return options_; }
    /// All learnable tensors, by the names of the reference layout.
    const ParameterTable& parameters() const { return parameters_.table; }

    /// Draws the starting point; the same seed gives the same bits.
    /// Shapes  values: [parameters().total()]
    void initialise(T* values, std::uint64_t seed) const {
      for (Index i = 0; i < parameters().total(); ++i) values[i] = T(0);
      std::uint64_t stream = 0;
      for (const ParameterInfo& p : parameters().entries()) {
        Rng rng(seed, stream++);
        const Initialisation start = p.initialisation;
        for (Index i = 0; i < p.size; ++i)
          values[p.offset + i] =
              T(start.deviation > 0 ? start.deviation * rng.normal() : start.constant);
      }
    }

    /// Allocates everything a pass over up to `batch` sequences of up to `length` tokens needs.
    /// Errors  a length beyond the context.
    Workspace workspace(Index batch, Index length, Pass pass) const {
      return Workspace(options_, batch, length, pass);
    }
    /// The layout of that workspace, before anything is allocated.
    MemoryPlan plan(Index batch, Index length, Pass pass) const {
      return detail::ModelLayout<Types>(options_, batch, length, pass).memory;
    }

    /// The largest batch of sequences of `length` tokens whose workspace fits into so many bytes;
    /// 0 if not even one does.
    Index largest_batch(Index bytes, Index length, Pass pass) const {
      return optiform::largest_batch(
          bytes, [&](Index batch) { return plan(batch, length, pass).bytes(); });
    }

    /// Mean cross entropy in nats of predicting targets[b, t] after tokens[b, 0..t].
    /// Shapes  tokens, targets: [batch, length] of the workspace.
    /// Errors  an id outside the vocabulary.
    double loss(Context& context, const T* values, Workspace& workspace, const std::int32_t* tokens,
                const std::int32_t* targets) const {
      check("target", targets, workspace.tokens());
      return forward(context, values, workspace, tokens).head(targets, nullptr, 0);
    }

    /// The same, and gradients += gradient_scale * d loss / d values.
    /// Errors  also a workspace planned for evaluation.
    double loss_and_gradients(Context& context, const T* values, Workspace& workspace,
                              const std::int32_t* tokens, const std::int32_t* targets, T* gradients,
                              double gradient_scale = 1) const {
      if (workspace.layout().pass != Pass::training)
        fail("loss_and_gradients needs a workspace planned for Pass::training");
      check("target", targets, workspace.tokens());
      Run pass = forward(context, values, workspace, tokens);
      const double loss = pass.head(targets, gradients, gradient_scale);
      pass.backward(tokens, gradients);
      return loss;
    }

    /// Shapes  logits: [batch * length, vocabulary].
    void logits(Context& context, const T* values, Workspace& workspace, const std::int32_t* tokens,
                T* logits) const {
      forward(context, values, workspace, tokens);
      project(context, values, workspace.tokens(), workspace.at(workspace.layout().seen),
              Types::width, logits);
    }

    /// Logits after the last token of every sequence. Shapes  logits: [batch, vocabulary].
    void next_token_logits(Context& context, const T* values, Workspace& workspace,
                           const std::int32_t* tokens, T* logits) const {
      forward(context, values, workspace, tokens);
      const Index length = workspace.length();
      project(context, values, workspace.batch(),
              workspace.at(workspace.layout().seen) + (length - 1) * Types::width,
              length * Types::width, logits);
    }

   private:
    friend Decoder;
    template <class Model>
    friend class detail::Folding;
    friend Inspector;
    friend LayerMap;

    static LanguageModelOptions checked(LanguageModelOptions options) {
      if (options.vocabulary < 1)
        fail("vocabulary = ", options.vocabulary, ", expected at least 1");
      if (options.context < 1) fail("context = ", options.context, ", expected at least 1");
      if (options.layers.size() != Types::stacks)
        fail("layers has ", options.layers.size(), " entries, expected one per stack (",
             Types::stacks, ")");
      for (const Index layers : options.layers)
        if (layers < 1) fail("layers = ", layers, ", expected at least 1");
      for (const auto& given : options.coefficients.entries())
        if (!names_coefficient(given.first))
          fail("coefficient '", given.first,
               "' is not one of the model's rules, a rate being 1 in depth");
      return options;
    }
    static bool names_coefficient(const std::string& name) {
      bool found = false;
      Types::each_stack([&]<std::size_t I>() {
        using L = typename Types::template Layer<I>;
        [&]<std::size_t... J>(std::index_sequence<J...>) {
          ((found = found || takes_value(L::template Step<static_cast<int>(J)>::rule, name)), ...);
        }
        (std::make_index_sequence<static_cast<std::size_t>(L::steps)>{});
      });
      return found;
    }
    Run forward(Context& context, const T* values, Workspace& workspace,
                const std::int32_t* tokens) const {
      check("token", tokens, workspace.tokens());
      Run pass(context, options_, parameters_, values, workspace);
      pass.forward(tokens);
      return pass;
    }
    void project(Context& context, const T* values, Index rows, const T* seen, Index stride,
                 T* logits) const {
      const auto product = [&](const auto& epilogue) {
        kernels<Backend>::gemm(context, Transpose::no, Transpose::yes, rows, options_.vocabulary,
                               Types::width, T(1), seen, stride, values + parameters_.head,
                               Types::width, T(0), logits, options_.vocabulary, epilogue);
      };
      if constexpr (constexpr double cap = Types::ends.head.soft_cap; cap > 0)
        product(SoftCap<T>{T(cap)});
      else
        product(NoEpilogue{});
    }
    void check(const char* what, const std::int32_t* ids, Index n) const {
      for (Index i = 0; i < n; ++i)
        if (ids[i] < 0 || ids[i] >= options_.vocabulary)
          fail(what, " ", i, " is ", ids[i], ", expected 0 to ", options_.vocabulary - 1);
    }

    LanguageModelOptions options_;
    detail::ModelParameters<Types> parameters_;
  };
};

OPTIFORM_NAMESPACE_END
