// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include <optiform/io/atomic_file.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

void write_atomically(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// Runs `body` in a process of its own, so that its limits and mounts die with it.
/// Returns its exit status, or -1.
template <class F>
int in_child(F&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 125;
    try {
      code = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("AtomicFile: nothing is seen before commit, everything after") {
  TemporaryDirectory directory;
  const auto path = directory / "file";
  write_bytes(path, "old");
  std::string large(1'000'000, 'x');
  large[999'999] = 'y';
  {
    AtomicFile file(path);
    file.write("ab");
    file.write(large);
    file.write("cd");
    CHECK(read_bytes(path) == "old");
    file.commit();
    CHECK(read_bytes(path) == "ab" + large + "cd");
  }
  CHECK(names_in(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("AtomicFile: without commit the old file stays and the temporary goes") {
  TemporaryDirectory directory;
  write_bytes(directory / "file", "old");
  { AtomicFile(directory / "file").write("new"); }
  CHECK(read_bytes(directory / "file") == "old");
  CHECK(names_in(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("AtomicFile: takes over what a killed writer left behind") {
  TemporaryDirectory directory;
  write_bytes(directory / "file.tmp", "half of something longer than the new text");
  write_atomically(directory / "file", "new");
  CHECK(read_bytes(directory / "file") == "new");
  CHECK(names_in(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("AtomicFile: two writers of one file do not mix") {
  TemporaryDirectory directory;
  AtomicFile first(directory / "file");
  first.write("first");
  CHECK_REFUSED("another process is writing it", AtomicFile(directory / "file"));
  first.commit();
  write_atomically(directory / "file", "second");
  CHECK(read_bytes(directory / "file") == "second");
}

TEST_CASE("AtomicFile: writes through a symbolic link, which stays one") {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "far");
  std::filesystem::create_symlink("far/file", directory / "link");  // dangling at first
  write_atomically(directory / "link", "one");
  write_atomically(directory / "link", "two");
  CHECK(std::filesystem::is_symlink(directory / "link"));
  CHECK(read_bytes(directory / "far/file") == "two");
}

TEST_CASE("AtomicFile: refuses targets that are no regular files, and says so") {
  TemporaryDirectory directory;
  CHECK_REFUSED("'/dev/full': it exists and is not a regular file", AtomicFile("/dev/full"));
  CHECK_REFUSED("not a regular file", AtomicFile(directory.path()));
  CHECK_REFUSED("No such file or directory", AtomicFile(directory / "missing/file"));
  CHECK_REFUSED("names no file", AtomicFile(""));
  std::filesystem::create_directory(directory / "a.tmp");
  CHECK_REFUSED("'a.tmp'", AtomicFile(directory / "a"));
  CHECK(names_in(directory.path()) == std::vector<std::string>{"a.tmp"});
}

TEST_CASE("AtomicFile: a file size limit leaves the old file and no temporary" *
          doctest::test_suite("system")) {
  TemporaryDirectory directory;
  const auto path = directory / "file";
  write_bytes(path, "old");
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string sentence =
        refusal([&] { write_atomically(path, std::string(300'000, 'x')); });
    const bool clear = is_one_sentence(sentence) &&
                       sentence.find("File too large") != std::string::npos &&
                       sentence.find("unchanged") != std::string::npos;
    return clear ? 0 : 1;
  });
  CHECK(code == 0);
  CHECK(read_bytes(path) == "old");
  CHECK(names_in(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("AtomicFile: a full disk leaves the old file and no temporary" *
          doctest::test_suite("system")) {
  TemporaryDirectory directory;
  enum { fine = 0, wrong_sentence, harmed, cannot = 77 };
  const int code = in_child([&]() -> int {
    // A tiny disk in a mount namespace of our own; needs the right to mount.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") != 0)
      return cannot;
    const auto path = directory / "file";
    write_bytes(path, "old");
    for (const std::size_t bytes : {200'000u, 300'000u, 5'000'000u}) {
      const std::string sentence =
          refusal([&] { write_atomically(path, std::string(bytes, 'x')); });
      if (bytes < 256 * 1024) {
        if (!sentence.empty()) return wrong_sentence;
        write_bytes(path, "old");
      } else if (!is_one_sentence(sentence) ||
                 sentence.find("No space left on device") == std::string::npos) {
        return wrong_sentence;
      }
      if (read_bytes(path) != "old" || names_in(directory.path()).size() != 1) return harmed;
    }
    return fine;
  });
  if (code == cannot) {
    MESSAGE("skipped: mounting a small disk is not permitted");
    return;
  }
  CHECK(code == fine);
}

TEST_CASE("AtomicFile: refuses symbolic links that go in a circle") {
  TemporaryDirectory directory;
  std::filesystem::create_symlink("b", directory / "a");
  std::filesystem::create_symlink("a", directory / "b");
  CHECK_REFUSED("circle", AtomicFile(directory / "a"));
}
