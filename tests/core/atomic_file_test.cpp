// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "core/digest.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;
using testing::message_of;
using testing::ScratchFolder;

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(AtomicFile, ReplacesWholeFilesAndLeavesNothingBehind) {
  const ScratchFolder folder;
  const fs::path path = folder / "a b \xc3\xa4.txt";
  write_file_atomically(path, "one");
  EXPECT_EQ(read_file(path), "one");
  write_file_atomically(path, "second");
  EXPECT_EQ(read_file(path), "second");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, UncommittedChangesNothing) {
  const ScratchFolder folder;
  write_file_atomically(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("half");
    EXPECT_EQ(read_file(folder / "a"), "old");
  }
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, UnwritablePlacesAreNamed) {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "x");
  struct Case {
    fs::path path;
    const char* cause;
  };
  const Case cases[] = {
      {folder / "missing/a", "No such file"},
      {folder / "file/a", "is a file, not a folder"},
      {"/proc/gantry-test", "Check the p"},
      {folder / std::string(300, 'n'), "Choose a shorter name"},
  };
  for (const Case& bad : cases) {
    const std::string message = message_of<IoError>([&] { AtomicFile file(bad.path); });
    EXPECT_NE(message.find(bad.path.string()), std::string::npos) << message;
    EXPECT_NE(message.find(bad.cause), std::string::npos) << message;
  }
}

// Runs `body` in a child that may write files of `bytes` at most; true when it returned true.
template <typename Body>
bool with_file_limit(rlim_t bytes, const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(AtomicFile, WriteThatDoesNotFitKeepsTheOldFile) {
  const ScratchFolder folder;
  write_file_atomically(folder / "a", "old");
  EXPECT_TRUE(with_file_limit(4096, [&] {
    try {
      write_file_atomically(folder / "a", std::string(10'000, 'n'));
    } catch (const IoError& error) {
      return error.code() == ExitCode::kIo &&
             std::string(error.what()).find("ulimit -f") != std::string::npos;
    }
    return false;
  }));
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, DiskFullIsNamed) {
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(message_of<IoError>([&] { append(full, "x", "/run/a"); }),
            "cannot write /run/a: No space left on device. The disk is full: free some space or "
            "choose another folder.");
  ::close(full);
}

TEST(AtomicFile, ReplaceExchangesFolders) {
  const ScratchFolder folder;
  const fs::path target = folder / "target", fresh = temporary_beside(target);
  fs::create_directory(target);
  write_file_atomically(target / "a", "old");
  fs::create_directory(fresh);
  write_file_atomically(fresh / "a", "new");
  replace_atomically(fresh, target);
  EXPECT_EQ(read_file(target / "a"), "new");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, SweepTakesTemporariesOnly) {
  const ScratchFolder folder;
  write_file_atomically(folder / "keep.tmp", "x");
  write_file_atomically(folder / ".hidden", "x");
  std::ofstream(temporary_beside(folder / "a")) << "half";
  fs::create_directories(temporary_beside(folder / "step-1") / "inner");
  EXPECT_EQ(sweep_temporaries(folder.path()), 2u);
  EXPECT_EQ(entries(folder.path()), 2u);
  EXPECT_EQ(sweep_temporaries(folder / "missing"), 0u);
}

TEST(AtomicFile, ReadFileIsBounded) {
  const ScratchFolder folder;
  write_file_atomically(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5), "12345");
  message_of<IoError>([&] { read_file(folder / "a", 4); });
  message_of<IoError>([&] { read_file(folder.path()); });
}

TEST(AtomicFile, MakeFoldersNamesWhatStandsInTheWay) {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "x");
  make_folders(folder / "a/b/c");
  make_folders(folder / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  message_of<IoError>([&] { make_folders(folder / "file"); });
  message_of<IoError>([&] { make_folders(folder / "file/b"); });
}

TEST(Digest, KnownAnswers) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const ScratchFolder folder;
  write_file_atomically(folder / "a", std::string(1'000'000, 'a'));
  EXPECT_EQ(sha256_of_file(folder / "a"),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  message_of<IoError>([&] { sha256_of_file(folder / "b"); });
}

}  // namespace
}  // namespace gantry
