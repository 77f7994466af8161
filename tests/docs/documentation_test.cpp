// SPDX-License-Identifier: MIT
// The pages in docs/ say what the code says: their code is cut from files that are compiled, their
// refusals are the library's, their links lead somewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
const fs::path root = OPTIFORM_SOURCE_DIR;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> all{root / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs"))
    if (entry.path().extension() == ".md") all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

/// What stands between the two lines `// [name]` (or `# [name]`) of a file, less the indentation
/// that all its lines share.
std::string cut(const fs::path& file, const std::string& name) {
  std::vector<std::string> inside;
  bool open = false;
  int marks = 0;
  for (const std::string& line : lines(contents(file))) {
    if (line.ends_with("// [" + name + "]") || line.ends_with("# [" + name + "]")) {
      open = !open;
      ++marks;
    } else if (open) {
      inside.push_back(line);
    }
  }
  if (marks != 2) return {};
  std::size_t shared = 1000;
  for (const std::string& line : inside)
    if (!line.empty()) shared = std::min(shared, line.find_first_not_of(' '));
  std::string text;
  for (const std::string& line : inside) text += line.substr(std::min(shared, line.size())) + "\n";
  return text;
}

/// All of the library's string literals, those that stand side by side joined.
const std::string& library_text() {
  static const std::string text = [] {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(root / "include"))
      if (entry.is_regular_file()) all += contents(entry.path());
    std::string joined;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all.compare(i, 2, "\\\"") == 0) {
        joined += '"';
        ++i;
        continue;
      }
      if (all[i] == '"') {
        const auto next = all.find_first_not_of(" \n", i + 1);
        if (next != std::string::npos && all[next] == '"') {
          i = next;
          continue;
        }
      }
      joined += all[i];
    }
    return joined;
  }();
  return text;
}

}  // namespace

TEST_CASE("every piece of code in the docs is cut from a file that is compiled") {
  int pieces = 0;
  for (const fs::path& page : pages()) {
    const auto all = lines(contents(page));
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] != "```cpp" && all[i] != "```cmake") continue;
      CAPTURE(page.string());
      CAPTURE(i + 1);
      std::string code;
      std::size_t end = i + 1;
      while (end < all.size() && all[end] != "```") code += all[end++] + "\n";
      // The line above says where it is from: <!-- file [name] -->
      REQUIRE(i > 0);
      std::istringstream mark(all[i - 1]);
      std::string open, file, name;
      mark >> open >> file >> name;
      REQUIRE(open == "<!--");
      REQUIRE(name.size() > 2);
      CHECK(code == cut(root / file, name.substr(1, name.size() - 2)));
      i = end;
      ++pieces;
    }
  }
  CHECK(pieces > 8);
}

TEST_CASE("every refusal that the docs quote is one of the library's") {
  int quoted = 0;
  for (const fs::path& page : pages()) {
    const auto all = lines(contents(page));
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i].starts_with("> ")) continue;
      std::string sentence = all[i].substr(2);
      while (i + 1 < all.size() && all[i + 1].starts_with("> "))
        sentence += " " + all[++i].substr(2);
      CAPTURE(page.string());
      CAPTURE(sentence);
      CHECK(library_text().find(sentence) != std::string::npos);
      ++quoted;
    }
  }
  CHECK(quoted > 10);
}

TEST_CASE("links in the docs lead somewhere") {
  for (const fs::path& page : pages()) {
    const std::string text = contents(page);
    for (auto at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
      std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      target = target.substr(0, target.find('#'));
      if (target.empty() || target.starts_with("http")) continue;
      CAPTURE(page.string());
      CAPTURE(target);
      CHECK(fs::exists(page.parent_path() / target));
    }
  }
}
