// SPDX-License-Identifier: Apache-2.0
#include "train/run_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/atomic_file.h"
#include "core/progress.h"

namespace gantry {
namespace {

constexpr double kHeartbeatSeconds = 30;
constexpr uint64_t kMaxLockBytes = 4096;

struct Owner {
  std::string host;
  int64_t process = 0;
};

std::optional<Owner> read_owner(const std::filesystem::path& path) {
  try {
    const auto json = nlohmann::json::parse(read_file(path, kMaxLockBytes));
    return Owner{json.at("host"), json.at("process")};
  } catch (const IoError&) {
    return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // its writer died between making and filling it
  }
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::optional<Owner>& owner,
                         const std::string& remedy) {
  throw ConfigError(
      concat(path.parent_path().string(), " is in use by ",
             owner ? concat("process ", owner->process, " on ", owner->host) : "another process",
             ". ", remedy));
}

}  // namespace

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

RunLock::RunLock(const std::filesystem::path& dir, Log& log) : path_(dir / kRunLockFile) {
  try {
    while (!try_lock(log)) {
    }
    write_owner();
  } catch (...) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw;
  }
}

bool RunLock::try_lock(Log& log) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_io_error("create", path_, errno);
  const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno == EWOULDBLOCK) {
    refuse(path_, read_owner(path_), "Wait for it, stop it, or choose another folder.");
  }
  // The owner may have removed the file between our open and our lock: then it is nobody's.
  struct stat ours = {}, named = {};
  if (::fstat(descriptor_, &ours) != 0) throw_io_error("inspect", path_, errno);
  if (::stat(path_.c_str(), &named) != 0 || ours.st_ino != named.st_ino) {
    ::close(descriptor_);
    descriptor_ = -1;
    return false;
  }
  require_dead_owner(locked, log);
  return true;
}

void RunLock::require_dead_owner(bool flock_works, Log& log) const {
  const std::optional<Owner> owner = read_owner(path_);
  if (!owner) return;
  struct stat status = {};
  ::fstat(descriptor_, &status);
  const int64_t age = static_cast<int64_t>(std::time(nullptr)) - status.st_mtime;
  const bool elsewhere = owner->host != host_name();
  if (elsewhere && age < kStaleSeconds) {
    refuse(path_, owner,
           concat("If that job is gone, wait until its lock is ", kStaleSeconds,
                  " seconds old (now ", age, "), or remove ", path_.string(), "."));
  }
  const bool alive = ::kill(static_cast<pid_t>(owner->process), 0) == 0 || errno == EPERM;
  if (!elsewhere && !flock_works && alive) {
    refuse(path_, owner, "Wait for it, stop it, or choose another folder.");
  }
  log.warning("taking over ", path_.parent_path().string(), " from process ", owner->process,
              " on ", owner->host, ", which ended without giving it back");
}

void RunLock::write_owner() {
  const nlohmann::ordered_json json = {
      {"host", host_name()},
      {"process", static_cast<int64_t>(::getpid())},
  };
  const std::string text = json.dump() + "\n";
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw_io_error("write", path_, errno);
  }
  touched_ = Progress::steady_seconds();
}

RunLock::~RunLock() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

void RunLock::heartbeat() {
  const double now = Progress::steady_seconds();
  if (now - touched_ < kHeartbeatSeconds) return;
  touched_ = now;
  ::futimens(descriptor_, nullptr);
}

}  // namespace gantry
