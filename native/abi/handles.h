// What the opaque handles hold. Each shares ownership of what it needs, so any order of destruction is safe.
#pragma once

#include <memory>

#include "runtime/job.h"
#include "runtime/session.h"
#include "signal/loudness.h"

struct ts_engine {
  std::shared_ptr<ts::Engine> engine;
};

struct ts_session {
  std::shared_ptr<ts::Session> session;
};

struct ts_job {
  std::unique_ptr<ts::Job> job;
};

struct ts_decode_stream {
  std::shared_ptr<ts::Session> session;
  ts::DecodeStream stream;
};

struct ts_loudness_meter {
  ts::LoudnessMeter meter;
  uint64_t num_channels;
};
