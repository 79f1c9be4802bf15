// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/run_dir.h"

namespace gantry {

// One HTML page that tells how a run went: status, charts of the metrics, the grids and their
// animation, config and environment. Everything is inside: no script or style from elsewhere.
// Made from the files of the run alone; parts that are missing are left out.
std::string render_report(const RunDir& run);
void write_report(const RunDir& run);  // report.html, durable; IoError

}  // namespace gantry
