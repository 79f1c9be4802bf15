// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/open_session.h"

namespace gantry {

OpenSession open_session(LoadedConfig loaded, Allocator allocator) {
  const RunConfig& config = loaded.config;
  OpenSession open;
  try {
    open.backend = open_backend(config.backend, static_cast<int>(config.threads), config.compute);
    std::unique_ptr<DataSource> data = open_data(config.data, static_cast<uint64_t>(config.seed));
    open.session = std::make_unique<Session>(std::move(loaded.config), open.backend,
                                             std::move(data), allocator);
  } catch (const ConfigError& error) {
    throw ConfigError(concat(loaded.file, ": ", error.what()));
  }
  return open;
}

void announce(const OpenSession& open, Log& log) {
  log.info("device  ", open.backend.device->name());
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
