// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/open_session.h"

namespace gantry {

OpenSession open_session(LoadedConfig loaded, Log& log) {
  const RunConfig& config = loaded.config;
  OpenSession open;
  open.backend = open_backend(config.backend, static_cast<int>(config.threads));
  std::unique_ptr<DataSource> data = open_data(config.data, static_cast<uint64_t>(config.seed));
  log.info("device  ", open.backend.device->name());
  log.info("data    ", data->info().description);
  open.session = std::make_unique<Session>(std::move(loaded.config), open.backend, std::move(data));
  const Gan& gan = open.session->gan();
  log.info("model   G ", gan.g.parameters(), ", D ", gan.d.parameters(), " parameters");
  return open;
}

}  // namespace gantry
