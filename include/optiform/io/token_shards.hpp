// SPDX-License-Identifier: MIT
#pragma once

#include <glob.h>

#include <cstring>
#include <limits>
#include <span>

#include <optiform/io/atomic_file.hpp>
#include <optiform/io/mapped_file.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How a file holds tokens; all numbers are little-endian.
///
///   llm_c   1024 bytes of int32: magic, version, count, zeros; then the tokens. Magic 20240520 and
///           version 1 for uint16, 20240801 and 7 for uint32.
///   raw     the tokens alone, as nanoGPT writes them
enum class TokenFormat { llm_c_16, llm_c_32, raw_16, raw_32 };

namespace detail {

struct TokenFormatFacts {
  std::string_view name, extension;
  std::int32_t magic, version;
  std::size_t width;  // bytes of a token
};

inline const TokenFormatFacts& facts_of(TokenFormat format) {
  static constexpr TokenFormatFacts facts[] = {{"llm.c", ".bin", 20240520, 1, 2},
                                               {"llm.c-32", ".bin", 20240801, 7, 4},
                                               {"uint16", ".u16", 0, 0, 2},
                                               {"uint32", ".u32", 0, 0, 4}};
  return facts[static_cast<std::size_t>(format)];
}

inline constexpr std::size_t llm_c_header = 1024;

}  // namespace detail

/// The format called llm.c, llm.c-32, uint16 or uint32.
inline TokenFormat token_format_named(const std::string& name) {
  for (const auto format :
       {TokenFormat::llm_c_16, TokenFormat::llm_c_32, TokenFormat::raw_16, TokenFormat::raw_32})
    if (detail::facts_of(format).name == name) return format;
  fail("token format ", in_quotes(name), " is unknown; expected llm.c, llm.c-32, uint16 or uint32");
}

/// Files of tokens, one after the other, as a single long text that is never read as a whole.
///
///   const TokenShards shards(find_token_shards("fineweb/fineweb_train_*.bin"), 50257);
///   shards.copy(first, count, tokens);
///
/// Shapes    token i of the text is token i - (tokens before the shard) of its shard.
/// Contract  `copy` goes over the borders of shards; it allocates nothing and may be called from
///           several threads at once. The format is that of the file's name (.u16, .u32) or, for
///           other names, of its header; without one it is raw uint16.
/// Limits    as of MappedFile. llm.c itself drops what is left at the end of a shard.
/// Errors    a file that is empty, cut off or not what its header says is an Error at once; a
///           token outside the vocabulary when it is copied.
class TokenShards {
 public:
  explicit TokenShards(const std::vector<std::filesystem::path>& files,
                       Index vocabulary = std::numeric_limits<std::int32_t>::max())
      : vocabulary_(static_cast<std::uint32_t>(vocabulary)) {
    if (files.empty()) fail("there are no token shards; expected at least one file");
    for (const auto& file : files) open(file);
  }

  Index size() const { return size_; }
  std::size_t shards() const { return shards_.size(); }

  void copy(Index first, Index count, std::int32_t* out) const {
    OPTIFORM_ASSERT(first >= 0 && count >= 0 && first + count <= size_,
                    "TokenShards: outside the text");
    auto shard = std::upper_bound(shards_.begin(), shards_.end(), first,
                                  [](Index at, const Shard& s) { return at < s.first; }) -
                 1;
    for (; count > 0; ++shard) {
      const Index from = first - shard->first, piece = std::min(count, shard->count - from);
      if (shard->width == 2)
        copy<std::uint16_t>(*shard, from, piece, out);
      else
        copy<std::uint32_t>(*shard, from, piece, out);
      first += piece;
      count -= piece;
      out += piece;
    }
  }

 private:
  struct Shard {
    std::filesystem::path path;
    MappedFile file;
    const char* tokens;
    std::size_t width;
    Index first, count;
  };

  template <class T>
  void copy(const Shard& shard, Index from, Index count, std::int32_t* out) const {
    const T* const tokens = reinterpret_cast<const T*>(shard.tokens) + from;
    std::uint32_t largest = 0;
    for (Index i = 0; i < count; ++i) {
      const std::uint32_t token = tokens[i];
      largest = std::max(largest, token);
      out[i] = static_cast<std::int32_t>(token);
    }
    if (largest < vocabulary_) return;
    const T* const bad =
        std::find_if(tokens, tokens + count, [&](T t) { return t >= vocabulary_; });
    fail("token ", from + (bad - tokens), " of ", in_quotes(shard.path), " is ", *bad,
         "; expected 0 to ", vocabulary_ - 1);
  }

  void open(const std::filesystem::path& path) {
    Shard shard{path, MappedFile(path), nullptr, 2, size_, 0};
    const std::size_t bytes = shard.file.size();
    if (bytes == 0) fail("token shard ", in_quotes(path), " is empty");
    std::int32_t header[3] = {};
    std::memcpy(header, shard.file.data(), std::min(sizeof header, bytes));
    const std::size_t start = begins_with_header(path, shard.file) ? detail::llm_c_header : 0;
    if (start > 0) {
      const auto& wide = detail::facts_of(TokenFormat::llm_c_32);
      const auto& facts = header[0] == wide.magic ? wide : detail::facts_of(TokenFormat::llm_c_16);
      if (bytes < start)
        fail("token shard ", in_quotes(path), " is cut off: it has ", bytes,
             " bytes and its header alone ", start);
      if (header[0] != facts.magic)
        fail("token shard ", in_quotes(path), " begins with ", header[0],
             "; expected 20240520 or 20240801");
      if (header[1] != facts.version)
        fail("token shard ", in_quotes(path), " is of version ", header[1], "; expected ",
             facts.version);
      shard.width = facts.width;
      if (header[2] < 0 || (bytes - start) / shard.width != static_cast<std::size_t>(header[2]) ||
          (bytes - start) % shard.width != 0)
        fail("token shard ", in_quotes(path), " says that it holds ", header[2], " tokens of ",
             shard.width, " bytes, but has ", bytes - start, " bytes of tokens");
    } else {
      if (path.extension() == ".u32") shard.width = 4;
      if (bytes % shard.width != 0)
        fail("token shard ", in_quotes(path), " has ", bytes, " bytes; expected a multiple of ",
             shard.width);
    }
    shard.tokens = shard.file.data() + start;
    shard.count = static_cast<Index>((bytes - start) / shard.width);
    if (shard.count == 0) fail("token shard ", in_quotes(path), " holds no tokens");
    size_ += shard.count;
    shards_.push_back(std::move(shard));
  }

  /// The magic numbers of llm.c are dates; before anything else that looks like one, a damaged
  /// header is more likely than two tokens and a row of zeros.
  static bool begins_with_header(const std::filesystem::path& path, const MappedFile& file) {
    if (path.extension() == ".u16" || path.extension() == ".u32") return false;
    std::int32_t words[16] = {};
    std::memcpy(words, file.data(), std::min(sizeof words, file.size()));
    for (const auto format : {TokenFormat::llm_c_16, TokenFormat::llm_c_32})
      if (const auto& facts = detail::facts_of(format);
          words[0] == facts.magic && words[1] == facts.version)
        return true;
    return words[0] >= 20240101 && words[0] <= 20391231 &&
           std::all_of(words + 3, words + 16, [](std::int32_t word) { return word == 0; });
  }

  std::uint32_t vocabulary_;
  Index size_ = 0;
  std::vector<Shard> shards_;
};

/// Whether a name is one of token shards: a .bin, .u16 or .u32 file, or a pattern of such names.
inline bool names_token_shards(const std::filesystem::path& path) {
  const auto extension = path.extension();
  return extension == ".bin" || extension == ".u16" || extension == ".u32";
}

/// The files that `path` means, in the order of their names: one file, the shards of a directory,
/// or those that fit a pattern with * or ?.
inline std::vector<std::filesystem::path> find_token_shards(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return {path};
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error))
      if (names_token_shards(entry.path())) files.push_back(entry.path());
    if (error) fail("cannot list the directory ", in_quotes(path), ": ", error.message());
    if (files.empty())
      fail(in_quotes(path), " is a directory without token shards; expected .bin, .u16 or .u32");
    std::sort(files.begin(), files.end());
    return files;
  }
  ::glob_t found{};
  if (::glob(path.c_str(), 0, nullptr, &found) == 0)
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (files.empty()) fail("there are no token shards ", in_quotes(path));
  std::sort(files.begin(), files.end());
  return files;
}

/// Cuts a stream of tokens into shards STEM_000000.bin, STEM_000001.bin, ...
///
///   TokenShardWriter writer("data/train", TokenFormat::llm_c_16, 100'000'000);
///   writer.append(tokens);
///   writer.finish();
///
/// Contract  every shard but the last has `tokens_per_shard` tokens; each appears complete or not
///           at all.
/// Errors    those of AtomicFile; a token that the format has no room for.
class TokenShardWriter {
 public:
  TokenShardWriter(std::filesystem::path stem, TokenFormat format, Index tokens_per_shard)
      : stem_(std::move(stem)), facts_(detail::facts_of(format)), most_(tokens_per_shard) {
    constexpr Index largest = std::numeric_limits<std::int32_t>::max();  // llm.c counts in int32
    if (most_ < 1 || most_ > largest)
      fail("tokens of a shard are ", most_, "; expected 1 to ", largest);
  }

  void append(std::span<const std::int32_t> tokens) {
    for (const std::int32_t token : tokens) {
      if (token < 0 || (facts_.width == 2 && token > 0xFFFF))
        fail("token ", token, " has no place in a shard of format ", facts_.name,
             "; expected 0 to ", facts_.width == 2 ? 0xFFFF : 0x7FFFFFFF);
      const auto* const bytes = reinterpret_cast<const char*>(&token);
      bytes_.insert(bytes_.end(), bytes, bytes + facts_.width);
      if (static_cast<Index>(bytes_.size() / facts_.width) == most_) write();
    }
  }
  /// Writes what is left.
  void finish() {
    if (!bytes_.empty()) write();
  }
  Index shards() const { return shards_; }
  /// Of a shard, written or not.
  std::filesystem::path name(Index shard) const {
    std::string number = std::to_string(shard);
    number.insert(0, 6 - std::min<std::size_t>(number.size(), 6), '0');
    std::filesystem::path path = stem_;
    return path += message("_", number, facts_.extension);
  }

 private:
  void write() {
    AtomicFile file(name(shards_));
    if (facts_.magic != 0) {
      std::int32_t header[detail::llm_c_header / 4] = {
          facts_.magic, facts_.version, static_cast<std::int32_t>(bytes_.size() / facts_.width)};
      file.write(header, sizeof header);
    }
    file.write(bytes_.data(), bytes_.size());
    file.commit();
    bytes_.clear();
    ++shards_;
  }

  std::filesystem::path stem_;
  const detail::TokenFormatFacts& facts_;
  Index most_, shards_ = 0;
  std::vector<char> bytes_;
};

OPTIFORM_NAMESPACE_END
