# Flags that every target of the project shares, as one interface library.
add_library(gantry_flags INTERFACE)
target_include_directories(gantry_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(gantry_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor;-Woverloaded-virtual>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>")
if(GANTRY_WERROR)
  target_compile_options(gantry_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
# Results must not depend on how the compiler contracts a*b+c outside our kernels.
target_compile_options(gantry_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
if(GANTRY_SANITIZE)
  # Enough to run the tests in minutes, little enough to compile in minutes.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
  target_compile_options(gantry_flags INTERFACE -fsanitize=${GANTRY_SANITIZE}
                                                -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(gantry_flags INTERFACE -fsanitize=${GANTRY_SANITIZE})
endif()
if(GANTRY_FUZZ)
  target_compile_options(gantry_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(gantry_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# gantry_library(NAME DEPS...): a static library of all .cpp files of the current folder tree.
function(gantry_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  set(scope PUBLIC)
  if(sources)
    add_library(${name} STATIC ${sources})
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} gantry_flags ${ARGN})
endfunction()

# gantry_test(NAME DEPS...): one test program of all *_test.cpp files of the current folder.
function(gantry_test name)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE gantry_flags GTest::gtest_main ${ARGN})
  # Most of a test is compiled once and run once.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  # For files of the repository that tests read: configs, golden values.
  target_compile_definitions(${name} PRIVATE GANTRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Many small tests at once: threads that wait by spinning would only take each other's time.
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600
                       ENVIRONMENT OMP_WAIT_POLICY=passive)
endfunction()
