// SPDX-License-Identifier: MIT
#pragma once

#include <toml++/toml.h>

#include "config_file.hpp"

/// A TOML file. Throws optiform::Error with file and line.
toml::table parse_config(const std::string& path);

/// The keys of one of its tables.
std::vector<ConfigEntry> entries_of(const toml::table& table);
