// A generation on a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "pipeline/decode.h"
#include "pipeline/progress.h"
#include "pipeline/request.h"
#include "runtime/pcm_ring.h"
#include "runtime/session.h"

namespace ts {

class Job {
 public:
  // Returns false to cancel, as Progress::Listener.
  using PcmListener = std::function<bool(const float* left, const float* right, uint64_t offset, uint64_t num_samples)>;

  // Throws when the session is busy or the request cannot be right; everything later belongs to the job.
  Job(std::shared_ptr<Session> session, Conditions conditions, GenerateOptions options, Progress::Listener progress, PcmListener pcm,
      uint64_t ring_samples);
  // Cancels and waits.
  ~Job();

  ts_job_progress poll() const;
  // True when the job has ended within the time; UINT32_MAX = for ever.
  bool wait(uint32_t timeout_ms);
  ts_status status() const;        // of the ended job
  const std::string& error() const;  // "" until it has failed
  void cancel();
  uint64_t read(float* interleaved, uint64_t num_samples) { return ring_.read(interleaved, num_samples); }

 private:
  void work(const Conditions& conditions, const GenerateOptions& options, const Progress::Listener& progress, const PcmListener& pcm);
  void deliver(std::span<const float> left, std::span<const float> right);
  void finish(ts_job_state state, ts_status status, std::string error);

  const std::shared_ptr<Session> session_;
  Session::Busy busy_;
  uint64_t num_samples_ = 0;
  PcmRing ring_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  ts_job_state state_ = TS_JOB_RUNNING;
  ts_status status_ = TS_OK;
  std::string error_;
  ts_stage stage_ = TS_STAGE_TEXT;
  uint32_t step_ = 0, num_steps_ = 0;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace ts
