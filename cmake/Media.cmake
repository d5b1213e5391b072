# libthinksound_media: containers and codecs by the system's FFmpeg (5.1 or later). A library of its own that does not
# link libthinksound; without FFmpeg it is left out and everything else builds.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(FFMPEG QUIET IMPORTED_TARGET
    libavformat>=59.27 libavcodec>=59.37 libavutil>=57.28 libswscale>=6.7 libswresample>=4.7)
endif()
if(NOT FFMPEG_FOUND)
  message(STATUS "Media: FFmpeg 5.1 or later was not found, so libthinksound_media is left out; on Debian: "
                 "apt install pkg-config libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev")
  return()
endif()
message(STATUS "Media: FFmpeg libavformat ${FFMPEG_libavformat_VERSION}")

file(GLOB media_sources CONFIGURE_DEPENDS native/media/*.cpp)
add_library(thinksound_media SHARED ${media_sources})
ts_native_target(thinksound_media)
target_include_directories(thinksound_media PUBLIC native/media)
target_link_libraries(thinksound_media PRIVATE PkgConfig::FFMPEG Threads::Threads)
ts_runtime_library(thinksound_media)
