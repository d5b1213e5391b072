#include "runtime/job.h"

#include <chrono>

namespace ts {
namespace {
// How often a decoder looks whether a full ring has room again. The reader must not make system calls, so it cannot
// wake anybody.
constexpr std::chrono::milliseconds kRingPoll{1};
const std::string kNoError;
}  // namespace

Job::Job(std::shared_ptr<Session> session, Conditions conditions, GenerateOptions options, Progress::Listener progress, PcmListener pcm,
         uint64_t ring_samples)
    : session_(std::move(session)),
      busy_(*session_, true),
      num_samples_(uint64_t(session_->check(conditions, options).samples)),
      ring_(ring_samples == 0 ? num_samples_ : std::min(ring_samples, num_samples_)) {
  thread_ = std::thread([this, conditions = std::move(conditions), options = std::move(options), progress = std::move(progress),
                         pcm = std::move(pcm)] { work(conditions, options, progress, pcm); });
}

Job::~Job() {
  cancel();
  if (thread_.joinable()) thread_.join();
}

void Job::cancel() {
  cancelled_ = true;
  std::lock_guard lock(mutex_);
  if (state_ == TS_JOB_RUNNING) session_->cancel();
}

void Job::work(const Conditions& conditions, const GenerateOptions& options, const Progress::Listener& progress, const PcmListener& pcm) {
  try {
    const Progress report([&](ts_stage stage, uint32_t step, uint32_t num_steps) {
      {
        std::lock_guard lock(mutex_);
        stage_ = stage;
        step_ = step;
        num_steps_ = num_steps;
      }
      return !cancelled_ && (!progress || progress(stage, step, num_steps));
    });
    session_->generate(busy_, conditions, options, report, [&](std::span<float> left, std::span<float> right, int64_t offset) {
      if (pcm && !pcm(left.data(), right.data(), uint64_t(offset), left.size())) fail(TS_CANCELLED, "cancelled by the caller");
      deliver(left, right);
    });
    finish(TS_JOB_DONE, TS_OK, "");
  } catch (const Error& error) {
    finish(error.status() == TS_CANCELLED ? TS_JOB_CANCELLED : TS_JOB_FAILED, error.status(), error.what());
  } catch (const std::bad_alloc&) {
    finish(TS_JOB_FAILED, TS_OUT_OF_MEMORY, "the system has no memory left");
  } catch (const std::exception& error) {
    finish(TS_JOB_FAILED, TS_INTERNAL, error.what());
  }
}

void Job::deliver(std::span<const float> left, std::span<const float> right) {
  uint64_t done = 0;
  while (done < left.size()) {
    done += ring_.write(left.data() + done, right.data() + done, left.size() - done);
    if (done == left.size()) return;
    if (cancelled_ || session_->is_cancelled()) fail(TS_CANCELLED, "cancelled by the caller");
    std::this_thread::sleep_for(kRingPoll);
  }
}

void Job::finish(ts_job_state state, ts_status status, std::string error) {
  // The session is free before anybody can see that the job has ended, so that a waiter may start the next at once.
  busy_.release();
  std::lock_guard lock(mutex_);
  state_ = state;
  status_ = status;
  error_ = std::move(error);
  ended_.notify_all();
}

ts_job_progress Job::poll() const {
  ts_job_progress progress{};
  std::lock_guard lock(mutex_);
  progress.state = state_;
  progress.stage = stage_;
  progress.step = step_;
  progress.num_steps = num_steps_;
  progress.samples_decoded = ring_.written();
  progress.num_samples = num_samples_;
  return progress;
}

bool Job::wait(uint32_t timeout_ms) {
  std::unique_lock lock(mutex_);
  const auto has_ended = [&] { return state_ != TS_JOB_RUNNING; };
  if (timeout_ms == UINT32_MAX) {
    ended_.wait(lock, has_ended);
    return true;
  }
  return ended_.wait_for(lock, std::chrono::milliseconds(timeout_ms), has_ended);
}

ts_status Job::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

const std::string& Job::error() const {
  std::lock_guard lock(mutex_);
  return state_ == TS_JOB_RUNNING ? kNoError : error_;  // written once, before the state leaves RUNNING
}

}  // namespace ts
