// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include <optiform/io/file.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// tables[byte] is the remainder of a byte under the polynomial of CRC-32C.
constexpr std::array<std::uint32_t, 256> make_crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78u : 0);
    table[byte] = remainder;
  }
  return table;
}

inline constexpr std::array<std::uint32_t, 256> crc32c_table = make_crc32c_table();

/// CRC-32C; of "123456789": 0xE3069283.
inline std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t remainder = ~0u;
  for (const char byte : bytes)
    remainder =
        (remainder >> 8) ^ crc32c_table[(remainder ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~remainder;
}

/// A record of event files stores its checksums rotated and shifted, so that the checksum of data
/// that contain checksums stays useful.
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

/// Fields of a protocol buffer message, appended to a text.
class ProtobufMessage {
 public:
  const std::string& text() const { return text_; }
  void clear() { text_.clear(); }

  void number(int field, std::int64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(static_cast<std::uint64_t>(value));
  }
  void real(int field, double value) { fixed(field, 1, value); }
  void real(int field, float value) { fixed(field, 5, value); }
  void bytes(int field, std::string_view value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    text_ += value;
  }
  void embedded(int field, const ProtobufMessage& value) { bytes(field, value.text()); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>(value | 128);
    text_ += static_cast<char>(value);
  }
  template <class T>
  void fixed(int field, int wire_type, T value) {
    static_assert(std::endian::native == std::endian::little,
                  "optiform: ProtobufMessage - swap the bytes on a big-endian machine");
    varint(static_cast<std::uint64_t>(field << 3 | wire_type));
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    text_.append(raw, sizeof raw);
  }

  std::string text_;
};

}  // namespace detail

/// Scalars and texts for TensorBoard: one event file in a directory of its own run.
///
///   TensorBoardWriter events("runs/tmm/tensorboard", -1);
///   events.scalar("loss/training", 4.2f, step);
///   events.flush();                               // `tensorboard --logdir runs` shows it
///
/// Contract  every writer makes a file of its own that sorts after those it finds, so that nothing
///           is ever appended behind a record cut off by a kill. `keep_until`: readers forget the
///           events of earlier files after this step, as a resume needs (-1: all of them).
///           Once tags and texts of a length have been written, further ones allocate nothing.
/// Limits    values are float: TensorBoard stores no more.
/// Errors    Error when the file cannot be written (for instance, a full disk).
/// Source    tensorflow/core/util/event.proto; records: length, masked CRC-32C of the length,
///           data, masked CRC-32C of the data.
class TensorBoardWriter {
 public:
  explicit TensorBoardWriter(const std::filesystem::path& directory, std::int64_t keep_until = -1) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) fail("cannot create ", in_quotes(directory), ": ", error.message());
    for (std::int64_t second = after_all(directory); !file_.open(); ++second) {
      path_ = directory / message(prefix, second, ".optiform");
      file_ = detail::FileDescriptor(
          ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
      if (!file_.open() && errno != EEXIST) refuse();
    }
    begin(0);
    event_.bytes(3, "brain.Event:2");
    record();
    // A session that starts at a step makes readers forget what older sessions said of later ones.
    begin(keep_until + 1);
    inner_.clear();
    inner_.number(1, 1);
    event_.embedded(7, inner_);
    record();
    flush();
  }

  const std::filesystem::path& path() const { return path_; }

  void scalar(std::string_view tag, float value, std::int64_t step) {
    inner_.clear();
    inner_.bytes(1, tag);
    inner_.real(2, value);
    summary(step);
  }

  /// A text, shown as Markdown.
  void text(std::string_view tag, std::string_view markdown, std::int64_t step) {
    constexpr std::int64_t type_string = 7;
    detail::ProtobufMessage extent, shape, tensor, plugin, metadata;
    extent.number(1, 1);
    shape.embedded(2, extent);
    tensor.number(1, type_string);
    tensor.embedded(2, shape);
    tensor.bytes(8, markdown);
    plugin.bytes(1, "text");
    metadata.embedded(1, plugin);
    inner_.clear();
    inner_.bytes(1, tag);
    inner_.embedded(8, tensor);
    inner_.embedded(9, metadata);
    summary(step);
  }

  /// Hands all events to the operating system: readers see them.
  void flush() {
    std::string_view rest = pending_;
    while (!rest.empty()) {
      const ssize_t done = ::write(file_.get(), rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) refuse();
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    pending_.clear();
  }

  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;
  /// Writes what is left, as far as that is possible.
  ~TensorBoardWriter() {
    try {
      flush();
    } catch (const Error&) {
    }
  }

 private:
  static constexpr std::string_view prefix = "events.out.tfevents.";
  static constexpr std::size_t buffer_bytes = 1 << 14;

  static double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  /// A second not before now and after those in the names of the files that are there: readers
  /// take files in the order of their names.
  static std::int64_t after_all(const std::filesystem::path& directory) {
    auto second = static_cast<std::int64_t>(now());
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      const std::string name = entry.path().filename();
      // Ten digits: more would be no second of this century.
      if (!name.starts_with(prefix) || name.size() < prefix.size() + 10) continue;
      std::int64_t taken = 0;
      for (const char c : name.substr(prefix.size(), 10))
        taken = c >= '0' && c <= '9' && taken >= 0 ? taken * 10 + (c - '0') : -1;
      second = std::max(second, taken + 1);
    }
    return second;
  }

  void begin(std::int64_t step) {
    event_.clear();
    event_.real(1, now());
    if (step != 0) event_.number(2, step);
  }

  void summary(std::int64_t step) {
    begin(step);
    value_.clear();
    value_.embedded(1, inner_);
    event_.embedded(5, value_);
    record();
  }

  /// Frames the event and adds it to what is pending.
  void record() {
    const std::uint64_t size = event_.text().size();
    char length[sizeof size];
    std::memcpy(length, &size, sizeof size);
    pending_.append(length, sizeof length);
    checksum({length, sizeof length});
    pending_ += event_.text();
    checksum(event_.text());
    if (pending_.size() >= buffer_bytes) flush();
  }
  void checksum(std::string_view bytes) {
    const std::uint32_t sum = detail::masked_crc32c(bytes);
    char raw[sizeof sum];
    std::memcpy(raw, &sum, sizeof sum);
    pending_.append(raw, sizeof raw);
  }

  [[noreturn]] void refuse() const {
    fail("cannot write ", in_quotes(path_), ": ", detail::reason(errno));
  }

  std::filesystem::path path_;
  detail::FileDescriptor file_;
  detail::ProtobufMessage event_, value_, inner_;
  std::string pending_;
};

OPTIFORM_NAMESPACE_END
