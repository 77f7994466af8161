// SPDX-License-Identifier: MIT
#include "grid.hpp"

#include <algorithm>

#include <optiform/io/file.hpp>

#include "../pretrain/config_tables.hpp"

using optiform::fail;
using optiform::in_quotes;

namespace {

/// Options that the study itself gives to a run.
constexpr const char* own[] = {"data", "validation", "out", "seed", "threads"};
/// What all cells must have in common, so that their losses can be compared.
constexpr const char* common[] = {"tokenizer", "vocabulary", "length", "validation-blocks"};

template <std::size_t N>
bool among(const char* const (&names)[N], const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class GridReader {
 public:
  explicit GridReader(const std::string& path) : path_(path) {}

  Grid read() {
    const toml::table table = parse_config(path_);
    for (const auto& [key, value] : table)
      if (key != "seeds" && key != "reference" && key != "options" && key != "cell")
        refuse(value, "key ", in_quotes(std::string(key.str())),
               " is unknown; expected seeds, reference, [options] or [[cell]]");
    Grid grid;
    read_seeds(grid, table.get("seeds"));
    if (const toml::node* options = table.get("options")) {
      if (!options->is_table()) refuse(*options, "options are no table; expected one [options]");
      grid.options = entries(*options->as_table(), false);
    }
    read_cells(grid, table.get("cell"));
    grid.reference = text(table, "reference", grid.cells[0].name);
    if (!holds(grid, grid.reference))
      refuse(*table.get("reference"), "reference ", in_quotes(grid.reference),
             " is none of the cells");
    return grid;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse_line(std::uint32_t line, const Parts&... parts) const {
    fail("grid ", in_quotes(path_), ", line ", line, ": ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void refuse(const toml::node& at, const Parts&... parts) const {
    refuse_line(at.source().begin.line, parts...);
  }

  /// A key that may be left out, and is a string if it is there.
  std::string text(const toml::table& table, const char* key, const std::string& otherwise) const {
    const toml::node* const node = table.get(key);
    if (node == nullptr) return otherwise;
    if (!node->is_string()) refuse(*node, key, " is no string; expected ", key, " = \"...\"");
    return *node->value<std::string>();
  }

  void read_seeds(Grid& grid, const toml::node* seeds) const {
    constexpr const char* expected = "; expected, say, seeds = [1, 2]";
    if (seeds == nullptr) fail("grid ", in_quotes(path_), " has no seeds", expected);
    const auto* array = seeds->as_array();
    if (array == nullptr || array->empty())
      refuse(*seeds, "seeds are no list of numbers", expected);
    for (const auto& node : *array) {
      const auto seed = node.value_exact<std::int64_t>().value_or(-1);
      if (seed < 0) refuse(node, "a seed is no whole number from 0 on");
      if (std::count(grid.seeds.begin(), grid.seeds.end(), seed) > 0)
        refuse(node, "seed ", seed, " is there twice");
      grid.seeds.push_back(seed);
    }
  }

  std::vector<ConfigEntry> entries(const toml::table& table, bool cell) const {
    std::vector<ConfigEntry> found = entries_of(table);
    std::erase_if(
        found, [&](const ConfigEntry& e) { return cell && (e.key == "name" || e.key == "group"); });
    for (const ConfigEntry& entry : found) {
      const auto line = static_cast<std::uint32_t>(entry.line);
      bool known = false;
      each_option(defaults_, [&](const char* name, const auto&, const char*, bool) {
        known = known || entry.key == name;
      });
      if (!known)
        refuse_line(line, "key ", in_quotes(entry.key),
                    " is no option of a run; study pretrain --help lists them");
      if (among(own, entry.key))
        refuse_line(line, in_quotes(entry.key), " is chosen by the study, not by the grid");
      if (cell && among(common, entry.key))
        refuse_line(line, in_quotes(entry.key),
                    " must be the same for all cells; expected it in [options]");
      if (!entry.single)
        refuse_line(line, "key ", in_quotes(entry.key),
                    " has no single value; expected a number or a string");
    }
    return found;
  }

  void read_cells(Grid& grid, const toml::node* node) const {
    if (node == nullptr)
      fail("grid ", in_quotes(path_), " has no cells; expected at least one [[cell]]");
    const auto* cells = node->as_array();
    if (cells == nullptr || !cells->is_array_of_tables())
      refuse(*node, "cell is no list of tables; expected at least one [[cell]]");
    for (const auto& cell : *cells) read_cell(grid, *cell.as_table());
  }

  void read_cell(Grid& grid, const toml::table& table) const {
    Cell cell{text(table, "name", ""), text(table, "group", "cells"), entries(table, true)};
    for (const std::string& name : {cell.name, cell.group})
      if (name.empty() || name[0] == '.' ||
          !std::all_of(name.begin(), name.end(), [](unsigned char c) {
            return std::isalnum(c) || c == '-' || c == '_' || c == '.';
          }))
        refuse(table, "a cell or its group is called ", in_quotes(name),
               "; expected a name of letters, digits, - and _");
    if (holds(grid, cell.name)) refuse(table, "cell ", in_quotes(cell.name), " is there twice");
    grid.cells.push_back(std::move(cell));
  }

  static bool holds(const Grid& grid, const std::string& name) {
    return std::any_of(grid.cells.begin(), grid.cells.end(),
                       [&](const Cell& cell) { return cell.name == name; });
  }

  const std::string& path_;
  const Options defaults_{};
};

}  // namespace

Grid read_grid(const std::string& path) { return GridReader(path).read(); }
