// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <optiform/core/packed_weights.hpp>
#include <optiform/depth/language_model.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// What an oracle keeps of the tokens before: its Past, or nothing.
struct NoPast {};
template <class On>
struct past_of {
  using type = NoPast;
};
template <oracle_remembers On>
struct past_of<On> {
  using type = typename On::Past;
};

/// What all oracles of a layer keep.
template <class Backend, class T, ModelShape Shape, class Oracles>
struct LayerPast;
template <class Backend, class T, ModelShape Shape, class... O>
struct LayerPast<Backend, T, Shape, std::tuple<O...>> {
  static_assert(((oracle_remembers<typename O::template on<Backend, T, Shape>> ||
                  oracle_keeps_tokens_apart<O>)&&...),
                "optiform: Decoder - an oracle does not say how it goes on with a sequence; add "
                "static constexpr bool mixes_tokens = false, or Past, reserve_past and decode "
                "[docs/concepts/gradient_oracle.md]");
  using type = std::tuple<typename past_of<typename O::template on<Backend, T, Shape>>::type...>;

  static type reserve(MemoryPlan& plan, Index layer, Index sequences, Index capacity) {
    const auto one = [&]<class Oracle>(std::in_place_type_t<Oracle>, std::string_view name) {
      if constexpr (oracle_remembers<Oracle>)
        return Oracle::reserve_past(plan, message("layers.", layer, ".", name, "."), sequences,
                                    capacity);
      else
        return NoPast{};
    };
    return type{one(std::in_place_type<typename O::template on<Backend, T, Shape>>, O::name)...};
  }
};

template <class Types>
struct Continuation {
  template <std::size_t I>
  using Past = LayerPast<typename Types::Backend, typename Types::T, Types::shape,
                         typename Types::template Layer<I>::Oracles>;
  template <std::size_t... I>
  static std::tuple<std::vector<typename Past<I>::type>...> all(std::index_sequence<I...>);

  NewTokens now;
  decltype(all(typename Types::Stacks{})) past;

  Continuation(MemoryPlan& plan, const LanguageModelOptions& options, Index sequences,
               Index capacity) {
    Index number = 0;
    Types::each_stack([&]<std::size_t I>() {
      for (Index l = 0; l < options.layers[I]; ++l)
        std::get<I>(past).push_back(Past<I>::reserve(plan, number++, sequences, capacity));
    });
  }
  /// Of oracle O in layer l of stack I.
  template <std::size_t I, int O>
  const auto& past_of(Index l) const {
    return std::get<static_cast<std::size_t>(O)>(std::get<I>(past)[static_cast<std::size_t>(l)]);
  }
};

}  // namespace detail

/// Goes on with sequences token by token: what attention needs of the past is kept, so that a new
/// token costs one token's work.
///
///   Model::on<Cpu, float>::Decoder decoder(model, 2, 128);       // two sequences of up to 128
///   tokens const std::span<const std::int32_t> prompts[] = {first, second};
///   decoder.append(context, values, prompts, logits);            // [2, vocabulary]
///   decoder.step(context, values, next, logits);                 // one token each
///   decoder.pack(values);                        // at any time: faster, for the matrices' memory
///
/// The streams of a rule are functions of the tokens and of depth: nothing of them is kept.
///
/// Contract  logits are those of the model's forward pass over the whole sequence, to rounding.
///           `values` must not change between the calls that one sequence is made of. All memory is
///           taken by the constructor (scratch of the backend apart); `plan` tells how much. `pack`
///           takes `packed_bytes` more: every matrix once more, the head's included.
///           Prompts of different lengths share passes without padding.
/// Limits    a full sequence is an error: `restart` it and append the tokens that shall be
///           remembered. `generate` does so with the last half.
/// Errors    an id outside the vocabulary, a full sequence, spans that are not one per sequence;
///           an oracle that cannot go on is refused while compiling.
template <class Model>
class Decoder {
  using Types = typename Model::Types;
  using T = typename Model::Scalar;
  using Run = detail::ModelPass<Types, true>;
  using Continuation = detail::Continuation<Types>;
  static constexpr Index most_rows = 256;  ///< tokens of one pass: enough for matrix products

  struct Layout {
    detail::ModelLayout<Types> model;
    Continuation continuation;

    Layout(const LanguageModelOptions& options, Index sequences, Index capacity)
        : model(options, 1, rows(options, sequences, capacity), Pass::generation),
          continuation(model.memory, options, sequences, capacity) {}

    static Index rows(const LanguageModelOptions& options, Index sequences, Index capacity) {
      if (sequences < 1) fail("sequences = ", sequences, ", expected at least 1");
      if (capacity < 1 || capacity > options.context)
        fail("capacity = ", capacity, ", expected 1 to the model's context of ", options.context);
      const Index all = sequences * capacity;
      return all < most_rows ? all : sequences > most_rows ? sequences : most_rows;
    }
  };

 public:
  using Context = typename Model::Context;
  using Tokens = std::span<const std::int32_t>;

  /// Up to `capacity` tokens of each of `sequences`; the model must outlive the decoder.
  Decoder(const Model& model, Index sequences, Index capacity)
      : Decoder(model, Layout(model.options(), sequences, capacity), sequences, capacity) {}

  /// The layout of its memory, before anything is allocated.
  static MemoryPlan plan(const Model& model, Index sequences, Index capacity) {
    return Layout(model.options(), sequences, capacity).model.memory;
  }

  Index sequences() const { return static_cast<Index>(past_.size()); }
  Index capacity() const { return capacity_; }
  /// Tokens that a sequence consists of so far.
  Index length(Index sequence) const { return past_[at(sequence)]; }
  /// Forgets a sequence.
  void restart(Index sequence) { past_[at(sequence)] = 0; }

  /// Copies the matrices in the order in which the backend's products read them. Passes that are
  /// given the same address use the copies, whatever has become of `values`, until it is packed
  /// again; the results are the same bits.
  void pack(const T* values) {
    packed_.clear();
    for (const ParameterInfo& p : model_.parameters().entries())
      if (p.role == Role::matrix && p.shape.size() == 2)
        packed_.add(p.shape[0], p.shape[1], values + p.offset);
    packed_.add(model_.options_.vocabulary, Types::width, values + model_.parameters_.head);
  }
  /// Bytes of the copies.
  Index packed_bytes() const { return packed_.bytes(); }

  /// Appends tokens[b], which may be empty, to sequence b; its logits are those after its last
  /// token, and stay as they were if it got none.
  ///
  /// Shapes    tokens [sequences]; logits: [sequences, vocabulary].
  void append(Context& context, const T* values, std::span<const Tokens> tokens, T* logits) {
    if (static_cast<Index>(tokens.size()) != sequences())
      fail("tokens are given for ", tokens.size(), " sequences, expected ", sequences());
    for (Index b = 0; b < sequences(); ++b) check(b, tokens[at(b)]);
    Index left = 0;
    for (const Tokens& t : tokens) left += static_cast<Index>(t.size());
    for (std::size_t b = 0; b < tokens.size(); ++b) rest_[b] = tokens[b];
    while (left > 0) left -= pass(context, values, logits);
  }

  /// Appends one token to every sequence. Shapes  tokens [sequences]; logits as in append.
  void step(Context& context, const T* values, const std::int32_t* tokens, T* logits) {
    for (Index b = 0; b < sequences(); ++b) {
      rest_[at(b)] = Tokens(tokens + b, 1);
      check(b, rest_[at(b)]);
    }
    for (Index left = sequences(); left > 0;) left -= pass(context, values, logits);
  }

 private:
  Decoder(const Model& model, Layout layout, Index sequences, Index capacity)
      : model_(model),
        continuation_(std::move(layout.continuation)),
        workspace_(std::move(layout.model)),
        rows_(workspace_.length()),
        capacity_(capacity),
        past_(static_cast<std::size_t>(sequences)),
        count_(past_.size()),
        rest_(past_.size()),
        ids_(static_cast<std::size_t>(rows_)) {}

  static constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  void check(Index sequence, Tokens tokens) const {
    const auto more = static_cast<Index>(tokens.size());
    if (length(sequence) + more > capacity_)
      fail("sequence ", sequence, " has ", length(sequence), " tokens and gets ", more,
           ", expected at most ", capacity_, " in all");
    model_.check("token", tokens.data(), more);
  }

  /// Feeds as many of the waiting tokens as one pass holds; returns how many.
  Index pass(Context& context, const T* values, T* logits) {
    Index rows = 0;
    for (Index b = 0; b < sequences(); ++b) {
      const auto waiting = static_cast<Index>(rest_[at(b)].size());
      const Index n = count_[at(b)] = waiting < rows_ - rows ? waiting : rows_ - rows;
      for (Index t = 0; t < n; ++t) ids_[at(rows + t)] = rest_[at(b)][at(t)];
      rest_[at(b)] = rest_[at(b)].subspan(at(n));
      rows += n;
    }
    continuation_.now = {.tokens = rows,
                         .sequences = sequences(),
                         .past = past_.data(),
                         .count = count_.data(),
                         .capacity = capacity_};
    workspace_.resize(1, rows);
    [[maybe_unused]] const auto use = packed_.use(context);
    Run(context, model_.options_, model_.parameters_, values, workspace_, continuation_)
        .forward(ids_.data());
    continuation_.now.each_run([&](Index first, Index n, Index length, Index row) {
      write_logits(context, values, first, n, length, row, logits);
    });
    for (Index b = 0; b < sequences(); ++b) past_[at(b)] += count_[at(b)];
    return rows;
  }

  /// The logits of those sequences of a run that wait for nothing more.
  void write_logits(Context& context, const T* values, Index first, Index n, Index length,
                    Index row, T* logits) {
    while (n > 0 && !rest_[at(first + n - 1)].empty()) --n;
    if (n == 0) return;
    const Index width = Types::width, last = row + length - 1;
    model_.project(context, values, n, workspace_.at(workspace_.layout().seen) + last * width,
                   length * width, logits + first * model_.options_.vocabulary);
  }

  const Model& model_;
  Continuation continuation_;
  ModelWorkspace<Types> workspace_;
  PackedWeights<typename Types::Backend, T> packed_;
  Index rows_, capacity_;
  std::vector<Index> past_, count_;
  std::vector<Tokens> rest_;       ///< what each sequence still has to be fed
  std::vector<std::int32_t> ids_;  ///< of the pass at hand
};

OPTIFORM_NAMESPACE_END
