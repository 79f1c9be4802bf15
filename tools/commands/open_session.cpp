// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/open_session.h"

namespace gantry {

OpenSession open_session(LoadedConfig loaded, Allocator allocator) {
  OpenSession open;
  open_session(open, std::move(loaded), allocator);
  return open;
}

void open_session(OpenSession& open, LoadedConfig loaded, Allocator allocator) {
  const RunConfig& config = loaded.config;
  try {
    Backend backend =
        open_backend(config.backend, static_cast<int>(config.threads), config.compute);
    if (backend.device->is_apart() && open.backend.communicator->size() > 1) {
      throw EnvironmentError("GPUs of several ranks are not joined yet; use backend=cpu");
    }
    backend.communicator = std::move(open.backend.communicator);
    open.backend = std::move(backend);
    std::unique_ptr<DataSource> data = open_data(config.data, static_cast<uint64_t>(config.seed));
    open.session = std::make_unique<Session>(std::move(loaded.config), open.backend,
                                             std::move(data), allocator);
  } catch (const ConfigError& error) {
    throw ConfigError(concat(loaded.file, ": ", error.what()));
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
