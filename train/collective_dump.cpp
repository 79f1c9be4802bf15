// SPDX-License-Identifier: Apache-2.0
#include "train/collective_dump.h"

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& run) { return run / "collectives"; }

}  // namespace

std::filesystem::path write_collective_dump(const std::filesystem::path& run,
                                            const Communicator& ranks, const std::string& cause) {
  using Json = nlohmann::ordered_json;
  Json dump = {{"rank", ranks.rank()}, {"ranks", ranks.size()}, {"engine", ranks.name()},
               {"host", host_name()},  {"cause", cause},        {"collectives", Json::array()}};
  for (const Collective& one : ranks.history()) {
    Json line = {{"number", one.number}, {"op", one.op},     {"what", one.what},
                 {"count", one.count},   {"type", one.type}, {"begun_s", one.begun}};
    if (one.ended >= 0) line["took_s"] = one.ended - one.begun;
    dump["collectives"].push_back(std::move(line));
  }
  const std::filesystem::path folder = folder_of(run);
  make_folders(folder);
  const std::filesystem::path file = folder / concat("rank-", ranks.rank(), ".json");
  write_file_atomically(file, dump.dump(1) + "\n");
  return file;
}

void remove_collective_dumps(const std::filesystem::path& run) {
  std::error_code error;
  std::filesystem::remove_all(folder_of(run), error);
  if (error) throw_io_error("remove", folder_of(run), error.value());
}

}  // namespace gantry
