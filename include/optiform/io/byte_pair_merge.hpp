// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <limits>
#include <queue>

#include <optiform/io/byte_pair_files.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Two neighbouring tokens to what they merge into: open addressing, filled once.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank = none;
    std::int32_t id = -1;
  };
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  void fill(const std::vector<BytePairModel::Merge>& merges) {
    while (std::size_t{1} << bits_ < 2 * merges.size()) ++bits_;
    slots_.assign(std::size_t{1} << bits_, {});
    for (const auto& merge : merges) {
      const std::uint64_t key = key_of(merge.left, merge.right);
      std::size_t at = start(key);
      while (slots_[at].key != empty) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {key, {merge.rank, merge.id}};
    }
  }
  Merge operator()(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t at = start(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == key) return slots_[at].merge;
      if (slots_[at].key == empty) return {};
    }
  }

 private:
  static constexpr std::uint64_t empty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = empty;
    Merge merge;
  };
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  std::size_t start(std::uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> (64 - bits_));
  }

  int bits_ = 1;
  std::vector<Slot> slots_;
};

/// Bytes to the token that they are, for those that are one: nine words in ten of a usual text.
class WordTable {
 public:
  void reserve(std::size_t words) {
    while (std::size_t{1} << bits_ < 2 * words) ++bits_;
    slots_.assign(std::size_t{1} << bits_, {});
  }
  void add(std::string_view word, std::int32_t id) {
    const std::uint64_t hash = hash_of(word);
    std::size_t at = start(hash);
    while (slots_[at].id >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {word, static_cast<std::uint32_t>(hash), id};
  }
  /// -1 if it is none.
  std::int32_t operator()(std::string_view word) const {
    const std::uint64_t hash = hash_of(word);
    for (std::size_t at = start(hash);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.id < 0) return -1;
      if (slot.tag == static_cast<std::uint32_t>(hash) && slot.word == word) return slot.id;
    }
  }

 private:
  struct Slot {
    std::string_view word;
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };
  static std::uint64_t hash_of(std::string_view word) {
    std::uint64_t hash = word.size();
    while (!word.empty()) {
      std::uint64_t part = 0;
      const std::size_t bytes = std::min<std::size_t>(word.size(), 8);
      std::memcpy(&part, word.data(), bytes);
      hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 32;
      word.remove_prefix(bytes);
    }
    return hash * 0xD6E8FEB86659FD93u;
  }
  std::size_t start(std::uint64_t hash) const {
    return static_cast<std::size_t>(hash >> (64 - bits_));
  }

  int bits_ = 1;
  std::vector<Slot> slots_;
};

/// Merges the tokens of one piece, the lowest rank first and of equals the leftmost.
class PieceMerger {
 public:
  explicit PieceMerger(const MergeTable& merges) : merge_of_(merges) {}

  void operator()(std::string_view piece, const std::int32_t* byte_id,
                  std::vector<std::int32_t>& ids) {
    constexpr std::size_t short_piece = 64;
    if (piece.size() <= short_piece)
      scan(piece, byte_id, ids);
    else
      queue(piece, byte_id, ids);
  }

 private:
  using Merge = MergeTable::Merge;

  /// Quadratic, and the fastest for words.
  void scan(std::string_view piece, const std::int32_t* byte_id, std::vector<std::int32_t>& ids) {
    start(piece, byte_id);
    std::size_t size = piece.size();
    while (size > 1) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < size; ++i)
        if (merge_[i].rank < merge_[best].rank) best = i;
      if (merge_[best].rank == MergeTable::none) break;
      id_[best] = merge_[best].id;
      --size;
      for (std::size_t i = best + 1; i < size; ++i) {
        id_[i] = id_[i + 1];
        merge_[i] = merge_[i + 1];
      }
      if (best > 0) merge_[best - 1] = merge_of_(id_[best - 1], id_[best]);
      merge_[best] = best + 1 < size ? merge_of_(id_[best], id_[best + 1]) : Merge{};
    }
    ids.insert(ids.end(), id_.begin(), id_.begin() + static_cast<std::ptrdiff_t>(size));
  }

  /// n log n, for pieces without end.
  void queue(std::string_view piece, const std::int32_t* byte_id, std::vector<std::int32_t>& ids) {
    start(piece, byte_id);
    const std::size_t size = piece.size();
    std::vector<std::size_t> next(size), previous(size);
    using Candidate = std::pair<std::uint32_t, std::size_t>;  // rank, position
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
    for (std::size_t i = 0; i < size; ++i) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (merge_[i].rank != MergeTable::none) candidates.emplace(merge_[i].rank, i);
    }
    const auto renew = [&](std::size_t i) {
      merge_[i] = next[i] < size ? merge_of_(id_[i], id_[next[i]]) : Merge{};
      if (merge_[i].rank != MergeTable::none) candidates.emplace(merge_[i].rank, i);
    };
    while (!candidates.empty()) {
      const auto [rank, i] = candidates.top();
      candidates.pop();
      if (merge_[i].rank != rank) continue;  // overtaken by another merge
      id_[i] = merge_[i].id;
      const std::size_t gone = next[i];
      merge_[gone] = {};
      next[i] = next[gone];
      if (next[i] < size) previous[next[i]] = i;
      renew(i);
      if (i > 0) renew(previous[i]);
    }
    for (std::size_t i = 0; i < size; i = next[i]) ids.push_back(id_[i]);
  }

  void start(std::string_view piece, const std::int32_t* byte_id) {
    id_.resize(std::max(id_.size(), piece.size()));
    merge_.resize(id_.size());
    for (std::size_t i = 0; i < piece.size(); ++i)
      id_[i] = byte_id[static_cast<unsigned char>(piece[i])];
    for (std::size_t i = 0; i + 1 < piece.size(); ++i) merge_[i] = merge_of_(id_[i], id_[i + 1]);
    merge_[piece.size() - 1] = {};
  }

  const MergeTable& merge_of_;
  std::vector<std::int32_t> id_;
  std::vector<Merge> merge_;  // of a token and the next one
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
