# Settings that every native target of the project shares.

# Warnings, include paths and exact floating point. -ffp-contract=off because parity with the reference depends on
# which multiply-adds are fused: where one is, the source says std::fma.
function(ts_native_target target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/native ${PROJECT_SOURCE_DIR}/native/include)
  target_compile_definitions(${target} PRIVATE TS_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror;-ffp-contract=off>")
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU) # gcc 12 imagines overlapping copies inside std::string (its bug 105651)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
  endif()
  if(TS_SANITIZE)
    target_compile_options(${target} PUBLIC
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${TS_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
    target_link_options(${target} PUBLIC -fsanitize=${TS_SANITIZE})
  endif()
  if(TS_FUZZ)
    target_compile_options(${target} PUBLIC "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>")
  endif()
endfunction()

# Builds what is shipped, and no tests.
add_custom_target(libraries)

# A library that is shipped: finds its private copies of oneDNN and libgomp beside itself, carries its own libstdc++.
function(ts_runtime_library target)
  add_dependencies(libraries ${target})
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
  if(NOT TS_SANITIZE) # sanitizers leave their own symbols to the program, and need the shared libstdc++
    # Unused parts of libstdc++.a would ask for newer symbols of glibc (its random device, for arc4random of 2.36).
    target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,--gc-sections -static-libstdc++ -static-libgcc
      -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
  endif()
endfunction()
