// The way of errors out of this library (ops/plugin.h): caught here, thrown again by libthinksound.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "ops/plugin.h"

namespace ts::cuda {

// Of whoever loaded this library.
extern const BackendHost* host;

// body(), whose exceptions leave as libthinksound's.
template <class Body>
auto guarded(const Body& body) -> decltype(body()) {
  thread_local std::string message;
  ts_status status;
  try {
    return body();
  } catch (const Error& error) {
    status = error.status();
    message = error.what();
  } catch (const std::bad_alloc&) {
    status = TS_OUT_OF_MEMORY;
    message = "cuda: the host has no memory left";
  } catch (const std::exception& error) {
    status = TS_INTERNAL;
    message = error.what();
  }
  host->raise(status, message.c_str());
  std::terminate();
}

// `function` behind that guard, as an entry of a table.
template <auto function>
struct Guarded;
template <class Result, class... Arguments, Result (*function)(Arguments...)>
struct Guarded<function> {
  static Result call(Arguments... arguments) {
    return guarded([&]() -> Result { return function(std::forward<Arguments>(arguments)...); });
  }
};

}  // namespace ts::cuda
