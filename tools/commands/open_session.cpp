// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/open_session.h"

#include "kernels/ranks.h"
#include "tools/commands/ranks.h"

namespace gantry {

OpenSession open_session(LoadedConfig loaded, Allocator allocator) {
  OpenSession open;
  open_session(open, std::move(loaded), allocator);
  return open;
}

void open_session(OpenSession& open, LoadedConfig loaded, Allocator allocator) {
  const RunConfig& config = loaded.config;
  try {
    Backend backend = open_backend(config.backend, static_cast<int>(config.threads), config.compute,
                                   open.backend.communicator->local_rank());
    join_devices(backend, open.backend.communicator);
    open.backend = std::move(backend);
    std::unique_ptr<DataSource> data = open_data(config.data, static_cast<uint64_t>(config.seed));
    open.session = std::make_unique<Session>(std::move(loaded.config), open.backend,
                                             std::move(data), allocator);
  } catch (const ConfigError& error) {
    throw ConfigError(concat(loaded.file, ": ", error.what()));
  }
}

void connect(OpenSession& open) {
  Communicator& ranks = *open.backend.communicator;
  if (ranks.size() == 1) return;
  const std::string of_first = text_of_rank(ranks, 0, open.backend.name);
  do_together(ranks, [&] {
    if (open.backend.name == of_first) return;
    throw EnvironmentError(concat("it computes on ", open.backend.device->name(), ", rank 0 with ",
                                  of_first, "; say backend=cpu, or give each rank a GPU"));
  });
  try {
    ranks.connect();
  } catch (const EnvironmentError& error) {
    throw EnvironmentError(ranks.rank() == 0 ? error.what() : "");  // the same on all
  }
}

void announce(const OpenSession& open, Log& log) {
  log.info("device  ", open.backend.device->name());
  const Communicator& ranks = *open.backend.communicator;
  const Shards& shards = open.session->system().shards;
  if (ranks.size() > 1) log.info("ranks   ", ranks.name());
  if (shards.count > 1) {
    log.info("shards  ", shards.count, " in a batch, ", shards.mine, " of them on this rank");
  }
  log.info("data    ", open.session->data().description);
  const int64_t count = open.session->data().count,
                batch = open.session->system().config.train.batch;
  if (count < batch) {
    log.warning("a batch of train.batch = ", batch, " holds the ", count,
                " samples of the set more than once");
  }
  std::string sizes;
  for (const auto& player : open.session->system().players) {
    sizes += concat(sizes.empty() ? "" : ", ", player->name, " ", player->store.parameters());
  }
  log.info("model   ", sizes, " parameters");
}

}  // namespace gantry
