// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/log.h"

namespace gantry {

class RunLock;

enum class RunState { kRunning, kDone, kStopped, kFailed };

struct RunStatus {
  RunState state = RunState::kRunning;
  uint64_t step = 0, steps = 0;
  int exit_code = 0;
  std::string message = {};  // why it failed or stopped
};

// The folder of one run. Only rank 0 makes one.
//   config.json       the resolved config            environment.json   build, machine, threads
//   status.json       RunStatus                      metrics.jsonl      metrics_log.h
//   events/           TensorBoard                    samples/           grids of the fixed latents
//   checkpoints/      checkpoint.h                   animation.webp, report.html
//   run.lock          who writes here now: host, process
class RunDir {
 public:
  // DIR for a new run: missing, empty, or with nothing but a dead run's lock. Anything else is a
  // ConfigError that says what is there (a run: continue it with `gantry resume`).
  static RunDir create(const std::filesystem::path& dir, Log& log);
  // The same refusals, and IoError where no folder can be made, with nothing made or locked.
  static void require_free(const std::filesystem::path& dir);
  static bool is_run(const std::filesystem::path& dir);
  // RUNS/0007-NAME, the next free number.
  static RunDir create_numbered(const std::filesystem::path& runs, const std::string& name,
                                Log& log);
  // An existing run, to go on with it. CheckpointError when it is none.
  // Both take the lock (ConfigError naming host and process when another job holds it) and sweep
  // temporary files.
  static RunDir open(const std::filesystem::path& dir, Log& log);
  // To read only: no lock, no change.
  static RunDir view(const std::filesystem::path& dir);

  RunDir(RunDir&&) noexcept;
  RunDir& operator=(RunDir&&) noexcept;
  ~RunDir();  // gives the lock back

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.json"; }
  std::filesystem::path environment() const { return path_ / "environment.json"; }
  std::filesystem::path status() const { return path_ / "status.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path events() const { return path_ / "events"; }
  std::filesystem::path samples() const { return path_ / "samples"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path animation() const { return path_ / "animation.webp"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path grid(uint64_t step) const;   // samples/step-00000500.png
  std::vector<std::filesystem::path> grids() const;  // by step

  void write_config(const std::string& json);
  void write_environment(const std::string& json);
  void write_status(const RunStatus& status);
  RunStatus read_status() const;

  // IoError unless the file system has room for `bytes` more.
  void require_space(uint64_t bytes) const;
  // Tells jobs on other hosts that this one lives. Call it every step; it acts twice a minute.
  void heartbeat();
  // On resuming from `step`: removes grids of later steps, which will be made again.
  void discard_after(uint64_t step);

 private:
  explicit RunDir(std::filesystem::path path);

  std::filesystem::path path_;
  std::unique_ptr<RunLock> lock_;
};

const char* run_state_name(RunState state);  // "running", "done", "stopped", "failed"

}  // namespace gantry
