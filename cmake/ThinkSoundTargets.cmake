# Settings that every native target of the project shares.

# Warnings, include paths and exact floating point. -ffp-contract=off because parity with the reference depends on
# which multiply-adds are fused: where one is, the source says std::fma.
function(ts_native_target target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/native ${PROJECT_SOURCE_DIR}/native/include)
  target_compile_definitions(${target} PRIVATE TS_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -ffp-contract=off)
  if(TS_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${TS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${TS_SANITIZE})
  endif()
endfunction()

# A library that is shipped: finds its private copies of oneDNN and libgomp beside itself, carries its own libstdc++.
function(ts_runtime_library target)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
  if(NOT TS_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL)
  endif()
endfunction()
