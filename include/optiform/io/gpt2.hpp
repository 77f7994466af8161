// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/io/parameters.hpp>
#include <optiform/io/safetensors.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A tensor of GPT-2 under its name here and under Hugging Face's.
///
/// Their matrices of layers are stored [in, out] (a module called Conv1D), ours [out, in].
struct Gpt2Tensor {
  std::string ours, theirs;
  bool transposed = false;

  bool is_bias() const { return ours.ends_with(".bias"); }
};

/// All of them, in the order of a model's table.
inline std::vector<Gpt2Tensor> gpt2_tensors(Index layers) {
  std::vector<Gpt2Tensor> all{{"tok_emb.weight", "wte.weight"}, {"pos_emb.weight", "wpe.weight"}};
  const auto add = [&](const std::string& ours, const std::string& theirs, bool matrix) {
    all.push_back({ours + ".weight", theirs + ".weight", matrix});
    all.push_back({ours + ".bias", theirs + ".bias"});
  };
  for (Index i = 0; i < layers; ++i) {
    const std::string ours = message("layers.", i, "."), theirs = message("h.", i, ".");
    add(ours + "ln_attn", theirs + "ln_1", false);
    add(ours + "ln_mlp", theirs + "ln_2", false);
    add(ours + "attn.qkv_proj", theirs + "attn.c_attn", true);
    add(ours + "attn.out_proj", theirs + "attn.c_proj", true);
    add(ours + "mlp.w1", theirs + "mlp.c_fc", true);
    add(ours + "mlp.w2", theirs + "mlp.c_proj", true);
  }
  add("final_ln", "ln_f", false);
  return all;
}

namespace detail {

/// to[j, i] = from[i, j].
/// Shapes  from [rows, columns].
template <class T>
void transpose(Index rows, Index columns, const T* from, T* to) {
  constexpr Index tile = 32;  // two tiles stay near, whatever the matrix
  for (Index i0 = 0; i0 < rows; i0 += tile)
    for (Index j0 = 0; j0 < columns; j0 += tile)
      for (Index i = i0; i < std::min(rows, i0 + tile); ++i)
        for (Index j = j0; j < std::min(columns, j0 + tile); ++j)
          to[j * rows + i] = from[i * columns + j];
}

/// Layers of a table of reference names.
inline Index count_layers(const ParameterTable& table) {
  Index layers = 0;
  while (table.find(message("layers.", layers, ".ln_attn.weight")) != nullptr) ++layers;
  return layers;
}

/// Fails unless a table holds GPT-2's tensors and no others; biases may be missing.
inline void require_gpt2_names(const ParameterTable& table, Index layers) {
  std::set<std::string> known;
  const ParameterInfo* const tokens = table.find("tok_emb.weight");
  const Index width = tokens != nullptr && tokens->shape.size() == 2 ? tokens->shape[1] : 0;
  for (const Gpt2Tensor& tensor : gpt2_tensors(layers)) {
    known.insert(tensor.ours);
    const ParameterInfo* const entry = table.find(tensor.ours);
    if (entry == nullptr && !tensor.is_bias())
      fail("the model lacks the tensor ", in_quotes(tensor.ours), " of GPT-2");
    if (entry == nullptr) continue;
    const bool matrix = tensor.transposed || tensor.ours.ends_with("_emb.weight");
    const bool joined = tensor.ours.ends_with("qkv_proj.weight");
    if (entry->shape.size() != (matrix ? 2 : 1) || (joined && entry->shape[0] != 3 * width))
      fail("the model's tensor ", in_quotes(tensor.ours), " has shape ", to_string(entry->shape),
           ", GPT-2 expects ",
           joined   ? message("[", 3 * width, ", ", width, "]")
           : matrix ? "a matrix"
                    : "a vector");
  }
  for (const ParameterInfo& entry : table.entries())
    if (!known.contains(entry.name))
      fail("the model's tensor ", in_quotes(entry.name), " has no place in GPT-2");
}

/// A file in Hugging Face's layout: `transformer.` and what weights_prefix knows may stand before
/// the names.
class Gpt2File {
 public:
  explicit Gpt2File(const SafetensorsFile& file)
      : file_(file), outer_(weights_prefix(file)), prefix_(outer_) {
    if (file.contains(outer_ + "transformer.wte.weight")) prefix_ += "transformer.";
    if (!recognises(file))
      fail("the file ", in_quotes(file.path()), " holds no GPT-2: it lacks the tensor 'wte.weight'",
           unknown_prefix(file, "wte.weight"));
    while (file_.contains(name(message("h.", layers_, ".ln_1.weight")))) ++layers_;
    if (layers_ == 0)
      fail("the file ", in_quotes(file.path()), " holds no layer of GPT-2: it lacks the tensor ",
           in_quotes(name("h.0.ln_1.weight")));
  }

  static bool recognises(const SafetensorsFile& file) {
    const std::string outer = weights_prefix(file);
    return file.contains(outer + "wte.weight") || file.contains(outer + "transformer.wte.weight");
  }

  Index layers() const { return layers_; }
  std::string name(const std::string& theirs) const { return prefix_ + theirs; }
  std::string head() const { return outer_ + "lm_head.weight"; }
  bool holds(const Gpt2Tensor& tensor) const { return file_.contains(name(tensor.theirs)); }
  /// The shape that the tensor has here.
  std::vector<Index> shape(const Gpt2Tensor& tensor) const {
    if (!holds(tensor))
      fail("the file ", in_quotes(file_.path()), " lacks the tensor ",
           in_quotes(name(tensor.theirs)), " of GPT-2");
    std::vector<Index> shape = file_.describe(name(tensor.theirs)).shape;
    if (tensor.transposed) std::reverse(shape.begin(), shape.end());
    return shape;
  }

  /// Fails for a tensor that is neither GPT-2's nor one of the constants that old files carry.
  void require_nothing_else(Index layers) const {
    std::set<std::string> known{head()};
    for (const Gpt2Tensor& tensor : gpt2_tensors(layers)) known.insert(name(tensor.theirs));
    for (Index i = 0; i < layers; ++i)
      for (const char* constant : {"bias", "masked_bias"})  // the causal mask
        known.insert(name(message("h.", i, ".attn.", constant)));
    for (const TensorDescription& tensor : file_.tensors())
      if (tensor.name.starts_with(outer_) && !known.contains(tensor.name))
        fail("the file ", in_quotes(file_.path()), " holds tensor ", in_quotes(tensor.name),
             ", which a GPT-2 of ", layers, " layers does not have");
  }

  /// out: [size], as the tensor is stored here.
  template <class T>
  void read(const Gpt2Tensor& tensor, T* out) const {
    const std::vector<Index> stored = file_.describe(name(tensor.theirs)).shape;
    Index size = 1;
    for (const Index extent : stored) size *= extent;
    if (!tensor.transposed) return read_finite(file_, name(tensor.theirs), stored, size, out);
    if (stored.size() != 2)
      fail("the file ", in_quotes(file_.path()), " has tensor ", in_quotes(name(tensor.theirs)),
           " of shape ", to_string(stored), ", expected a matrix");
    Buffer<T> matrix(size);
    read_finite(file_, name(tensor.theirs), stored, size, matrix.data());
    transpose(stored[0], stored[1], matrix.data(), out);
  }

  /// Fails unless a separate head is the token table once more, or absent.
  template <class T>
  void require_tied_head(Index size, const T* tokens) const {
    if (!file_.contains(head())) return;
    Buffer<T> values(size);
    file_.read(head(), file_.describe(name("wte.weight")).shape, values.data());
    if (!std::equal(tokens, tokens + size, values.data()))
      fail("the file ", in_quotes(file_.path()), " has a tensor ", in_quotes(head()),
           " of its own; expected the token table 'wte.weight' once more");
  }

  /// Fails unless the model can do without this bias.
  template <class T>
  void require_zero(const Gpt2Tensor& tensor) const {
    const std::vector<Index> found = shape(tensor);
    if (found.size() != 1) refuse(tensor, " of shape ", to_string(found), ", expected a vector");
    Buffer<T> bias(found[0]);
    read(tensor, bias.data());
    if (std::any_of(bias.begin(), bias.end(), [](T b) { return b != T(0); }))
      refuse(tensor, " that is not zero, and the model has no biases");
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Gpt2Tensor& tensor, const Parts&... parts) const {
    fail("the file ", in_quotes(file_.path()), " has tensor ", in_quotes(name(tensor.theirs)),
         parts...);
  }

 private:
  const SafetensorsFile& file_;
  std::string outer_, prefix_;  ///< of all of the file's weights, and of the network without head
  Index layers_ = 0;
};

/// Rows that pad a table become the mean of the first `rows`: their logits are the mean logit, so
/// that k of them together get at most k / rows of the probability (Jensen's inequality).
template <class T>
void pad_rows(Index rows, Index all, Index width, T* table) {
  for (Index i = 0; i < width; ++i) {
    double sum = 0;
    for (Index r = 0; r < rows; ++r) sum += static_cast<double>(table[r * width + i]);
    for (Index r = rows; r < all; ++r)
      table[r * width + i] = static_cast<T>(sum / static_cast<double>(rows));
  }
}

}  // namespace detail

/// Whether a file holds GPT-2 under Hugging Face's names.
inline bool holds_gpt2(const SafetensorsFile& file) { return detail::Gpt2File::recognises(file); }

/// The table of a file in Hugging Face's layout: reference names, its sizes, all biases.
///
/// Shapes    vocabulary: rows of the token table; 0 takes the file's.
inline ParameterTable gpt2_table(const SafetensorsFile& file, Index vocabulary = 0) {
  const detail::Gpt2File from(file);
  ParameterTable table;
  for (const Gpt2Tensor& tensor : gpt2_tensors(from.layers())) {
    std::vector<Index> shape = from.shape(tensor);
    const bool embedding = tensor.ours.find("_emb.") != std::string::npos;
    if (embedding && shape.size() != 2)
      from.refuse(tensor, " of shape ", to_string(shape), ", expected a matrix");
    if (vocabulary > 0 && tensor.ours == "tok_emb.weight") shape[0] = vocabulary;
    const Role role = embedding ? Role::embedding : tensor.transposed ? Role::matrix : Role::norm;
    table.add(tensor.ours, role, std::move(shape), {});
  }
  return table;
}

/// Fills a flat parameter vector from GPT-2's weights in Hugging Face's layout.
///
///   Gpt2<gpt2_small>::on<Cpu, float> model({.vocabulary = 50304});
///   read_gpt2(SafetensorsFile("gpt2/model.safetensors"), model.parameters(), values);
///
/// Contract  a token table with more rows than the file's (50304 for 50257) is padded by the mean
///           row: k padding rows get at most k / rows of the probability. With exactly the file's
///           vocabulary nothing is added. A model without biases takes a file whose biases are
///           zero. The vector is written when all of the file has been read.
/// Limits    memory: the parameters once more.
/// Errors    Error naming the first tensor that is missing, of another shape or depth, not GPT-2's,
///           or not finite; a head that is not tied; a model with tensors that GPT-2 lacks. Nothing
///           is changed then.
template <class T>
void read_gpt2(const SafetensorsFile& file, const ParameterTable& table, T* values) {
  const detail::Gpt2File from(file);
  const Index layers = detail::count_layers(table);
  detail::require_gpt2_names(table, layers);
  from.require_nothing_else(layers);
  Buffer<T> read(table.total());
  for (const Gpt2Tensor& tensor : gpt2_tensors(layers)) {
    const std::vector<Index> shape = from.shape(tensor);
    const ParameterInfo* const to = table.find(tensor.ours);
    if (to == nullptr) {
      from.require_zero<T>(tensor);
      continue;
    }
    const bool tokens = tensor.ours == "tok_emb.weight";
    if (tokens && !shape.empty() && shape[0] == 0)
      from.refuse(tensor, " of shape ", to_string(shape), ", expected at least one row");
    std::vector<Index> padded = shape;
    if (tokens && shape.size() == 2 && to->shape[0] > shape.at(0)) padded[0] = to->shape[0];
    if (padded != to->shape)
      from.refuse(tensor, " for shape ", to_string(shape), " of ", in_quotes(tensor.ours),
                  ", the model expects ", to_string(to->shape));
    from.read(tensor, read.data() + to->offset);
    if (!tokens) continue;
    from.require_tied_head(shape[0] * shape[1], read.data() + to->offset);
    detail::pad_rows(shape[0], padded[0], shape[1], read.data() + to->offset);
  }
  for (const ParameterInfo& to : table.entries())
    std::copy_n(read.data() + to.offset, to.size, values + to.offset);
}

/// Writes a flat parameter vector as GPT-2's weights in Hugging Face's layout.
///
/// Contract  vocabulary rows of the token table are written (0: all), which drops padding. Biases
///           that the model does not have are written as zeros.
/// Errors    Error naming a tensor that GPT-2 does not have (a stream's or coefficient's, a gate,
///           an untied head) or has in another shape (shared key heads).
template <class T>
void write_gpt2(const std::filesystem::path& path, const ParameterTable& table, const T* values,
                Index vocabulary = 0) {
  const Index layers = detail::count_layers(table);
  detail::require_gpt2_names(table, layers);
  std::vector<TensorSource> sources;
  std::vector<Buffer<T>> owned;  // what does not lie in `values` as it is to be written
  Index out = 0;                 // extent of the weight before a bias
  for (const Gpt2Tensor& tensor : gpt2_tensors(layers)) {
    const ParameterInfo* const from = table.find(tensor.ours);
    std::vector<Index> shape = from == nullptr ? std::vector<Index>{out} : from->shape;
    const T* data = from == nullptr ? nullptr : values + from->offset;
    if (tensor.ours == "tok_emb.weight" && vocabulary > 0) {
      if (vocabulary > shape[0])
        fail("cannot write ", vocabulary, " rows of a vocabulary of ", shape[0]);
      shape[0] = vocabulary;
    }
    out = shape[0];
    if (from == nullptr || tensor.transposed)
      data = owned.emplace_back(from == nullptr ? out : from->size).data();
    if (tensor.transposed) {
      detail::transpose(shape[0], shape[1], values + from->offset, owned.back().data());
      std::reverse(shape.begin(), shape.end());
    }
    sources.push_back({{"transformer." + tensor.theirs, dtype_of<T>, std::move(shape)}, data});
  }
  write_safetensors(path, sources, {{"format", "pt"}});
}

OPTIFORM_NAMESPACE_END
