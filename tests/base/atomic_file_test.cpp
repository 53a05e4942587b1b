#include "base/atomic_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "base/error.h"
#include "support/temp_dir.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("a file appears under its name only on commit, alone") {
  const test::TempDir folder;
  const std::string path = (folder / "out.txt").string();
  AtomicFile file(path);
  file.write("hello ");
  file.write("there");
  CHECK_FALSE(fs::exists(path));
  file.commit();
  CHECK(folder.read("out.txt") == "hello there");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("without commit the old file stays and nothing else is left") {
  const test::TempDir folder;
  const std::string path = folder.write("out.txt", "old");
  {
    AtomicFile file(path);
    file.write("new");
    CHECK(entries_in(folder.path()) == 2);
  }
  CHECK(folder.read("out.txt") == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("moving hands over the duty to clean up") {
  const test::TempDir folder;
  {
    AtomicFile first((folder / "out.txt").string());
    AtomicFile second(std::move(first));
    second.write("x");
    second.commit();
  }
  CHECK(folder.read("out.txt") == "x");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("a replaced file keeps its permissions and a link stays a link") {
  const test::TempDir folder;
  const std::string path = folder.write("real.txt", "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
  const std::string link = (folder / "link.txt").string();
  fs::create_symlink("real.txt", link);
  AtomicFile file(link);
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(link));
  CHECK(folder.read("real.txt") == "new");
  CHECK(fs::status(path).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read));
}

TEST_CASE("a new file has the permissions any program would give it") {
  const test::TempDir folder;
  AtomicFile file((folder / "out.txt").string());
  file.commit();
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat((folder / "out.txt").string().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("names as long as the file system allows work") {
  const test::TempDir folder;
  const std::string name(255, 'n');
  AtomicFile file((folder / name).string());
  file.commit();
  CHECK(fs::exists((folder / name).string()));
}

TEST_CASE("what can't be written says which path and why") {
  const test::TempDir folder;
  const std::string missing = (folder / "no/out.txt").string();
  CHECK_THROWS_WITH_AS(AtomicFile{missing},
                       (missing + ": cannot write: No such file or directory").c_str(), Error);
  const std::string root = folder.path().string();
  CHECK_THROWS_WITH_AS(AtomicFile{root}, (root + ": cannot write: Is a directory").c_str(), Error);
  AtomicFile full("/dev/full");
  CHECK_THROWS_WITH_AS(full.write("x"), "/dev/full: cannot write: No space left on device", Error);
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("a write-protected file is not replaced") {
  if (::geteuid() == 0) return;  // nothing is write-protected for the superuser
  const test::TempDir folder;
  const std::string path = folder.write("out.txt", "old");
  fs::permissions(path, fs::perms::owner_read);
  CHECK_THROWS_WITH_AS(AtomicFile{path}, (path + ": cannot write: Permission denied").c_str(),
                       Error);
}

TEST_CASE("a device is written directly and stays a device") {
  AtomicFile file("/dev/null");
  file.write("x");
  file.commit();
  CHECK(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace iflow
