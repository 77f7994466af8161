// SPDX-License-Identifier: MIT
#include "config_file.hpp"

#include <sstream>

#include <optiform/io/file.hpp>

#include "../support/program.hpp"
#include "config_tables.hpp"

using optiform::fail;
using optiform::in_quotes;

toml::table parse_config(const std::string& path) {
  const std::string text = optiform::read_file(path);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    fail("config ", in_quotes(path), ", line ", error.source().begin.line, ": ",
         one_line(std::string(error.description())));
  }
}

std::vector<ConfigEntry> entries_of(const toml::table& table) {
  std::vector<ConfigEntry> entries;
  for (const auto& [key, value] : table) {
    ConfigEntry entry{std::string(key.str()), {}, static_cast<int>(value.source().begin.line)};
    if (const auto string = value.value_exact<std::string>())
      entry.value = *string;
    else if (const auto integer = value.value_exact<std::int64_t>())
      entry.value = std::to_string(*integer);
    else if (const auto real = value.value_exact<double>())
      entry.value = optiform::message(*real);
    else if (const auto flag = value.value_exact<bool>())
      entry.value = *flag ? "true" : "false";
    else
      entry.single = false;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<ConfigEntry> read_config(const std::string& path) {
  return entries_of(parse_config(path));
}

std::string to_toml(const Options& options) {
  std::ostringstream out;
  each_option(options, [&](const char* name, const auto& value, const char*, bool) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      out << name << " = " << toml::value<std::string>(value) << '\n';
    else
      out << name << " = " << optiform::message(value) << '\n';
  });
  return out.str();
}
