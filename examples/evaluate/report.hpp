// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include <optiform/io/atomic_file.hpp>

/// Where results go: `key value` lines to the standard output, tables to CSV files of a folder.
class Report {
 public:
  /// An empty folder writes no tables.
  explicit Report(std::string folder) : folder_(std::move(folder)) {}

  void line(const std::string& key, double value) const {
    std::printf("%s %.9g\n", key.c_str(), value);
    std::fflush(stdout);
  }
  void line(const std::string& key, optiform::Index value) const {
    std::printf("%s %lld\n", key.c_str(), static_cast<long long>(value));
    std::fflush(stdout);
  }
  /// Makes the folder. Throws optiform::Error.
  void prepare() const {
    std::error_code error;
    if (!folder_.empty()) std::filesystem::create_directories(folder_, error);
    if (error || (!folder_.empty() && !std::filesystem::is_directory(folder_)))
      optiform::fail("cannot write tables into ", optiform::in_quotes(folder_),
                     "; expected a folder or the name of a new one");
  }
  /// Writes NAME.csv, where there is a folder.
  void table(const std::string& name, const std::string& text) const {
    if (folder_.empty()) return;
    optiform::write_file(std::filesystem::path(folder_) / (name + ".csv"), text);
  }

 private:
  std::string folder_;
};
