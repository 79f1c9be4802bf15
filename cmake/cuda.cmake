# The CUDA backend. Sets GANTRY_HAS_CUDA, and the target gantry_cuda_dependencies with the toolkit,
# cuDNN and cudnn-frontend. tools/setup_cuda.sh puts what is missing under third_party/cuda.
set(GANTRY_CUDA "AUTO" CACHE STRING
    "build the CUDA backend: AUTO (where all that it takes is found), ON or OFF")
set_property(CACHE GANTRY_CUDA PROPERTY STRINGS AUTO ON OFF)
set(GANTRY_HAS_CUDA FALSE)
# What joins the GPUs of several ranks; without it the backend is built for one.
set(GANTRY_NCCL "AUTO" CACHE STRING "join GPUs by NCCL: AUTO (where it is found), ON or OFF")
set_property(CACHE GANTRY_NCCL PROPERTY STRINGS AUTO ON OFF)
set(GANTRY_HAS_NCCL FALSE)
if(NOT GANTRY_CUDA)
  return()
endif()

# gantry_cuda_missing(WHAT): the end, or with AUTO the CPU alone.
macro(gantry_cuda_missing what)
  if(GANTRY_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA backend: not built (no ${what})")
    return()
  endif()
  message(FATAL_ERROR "GANTRY_CUDA=ON, but there is no ${what}. tools/setup_cuda.sh gets what is "
                      "missing; -DGANTRY_CUDA=OFF builds for the CPU alone.")
endmacro()

# What tools/setup_cuda.sh leaves: a toolkit (where the machine has none), cuDNN, cudnn-frontend.
set(gantry_cuda_local ${PROJECT_SOURCE_DIR}/third_party/cuda)
if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(gantry_nvcc nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME
               PATHS /usr/local/cuda ${gantry_cuda_local}/toolkit PATH_SUFFIXES bin)
  if(gantry_nvcc)
    set(CMAKE_CUDA_COMPILER ${gantry_nvcc})
  endif()
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  # Code for the data-centre GPUs of three generations, and PTX for those to come.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 100-real 100-virtual)
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  gantry_cuda_missing("nvcc")
endif()
enable_language(CUDA)
# CMake before 3.26 does not know that nvcc has C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
find_package(CUDAToolkit REQUIRED)

set(gantry_cuda_places ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_ROOT}
    ${gantry_cuda_local}/cudnn $ENV{CUDNN_PATH} $ENV{CUDNN_HOME})
find_path(CUDNN_INCLUDE_DIR cudnn_version.h HINTS ${gantry_cuda_places} PATH_SUFFIXES include)
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9
             HINTS ${gantry_cuda_places} ${CUDAToolkit_LIBRARY_DIR} PATH_SUFFIXES lib lib64)
if(NOT CUDNN_INCLUDE_DIR OR NOT CUDNN_LIBRARY)
  gantry_cuda_missing("cuDNN 9")
endif()

# Where pip puts the headers of nvidia-cudnn-frontend.
find_program(gantry_python NAMES python3)
if(gantry_python)
  execute_process(COMMAND ${gantry_python} -c "import sysconfig; print(sysconfig.get_path('purelib') + ';' + sysconfig.get_path('data'))"
                  OUTPUT_VARIABLE gantry_python_places OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
find_path(CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h
          HINTS ${CUDNN_FRONTEND_PATH} $ENV{CUDNN_FRONTEND_PATH} ${gantry_cuda_local}
                ${gantry_python_places}
          PATH_SUFFIXES include)
if(NOT CUDNN_FRONTEND_INCLUDE_DIR)
  gantry_cuda_missing("cudnn-frontend (header cudnn_frontend.h; pip install nvidia-cudnn-frontend)")
endif()
if(GANTRY_NCCL)
  set(gantry_nccl_places ${gantry_cuda_places} ${gantry_cuda_local}/nccl $ENV{NCCL_PATH}
      $ENV{NCCL_HOME})
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${gantry_nccl_places} PATH_SUFFIXES include)
  find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2
               HINTS ${gantry_nccl_places} ${CUDAToolkit_LIBRARY_DIR} PATH_SUFFIXES lib lib64)
  if(NCCL_INCLUDE_DIR AND NCCL_LIBRARY)
    set(GANTRY_HAS_NCCL TRUE)
    message(STATUS "CUDA backend: GPUs joined by ${NCCL_LIBRARY}")
  elseif(GANTRY_NCCL STREQUAL "AUTO")
    message(STATUS "CUDA backend: for one rank (no NCCL; tools/setup_cuda.sh gets it)")
  else()
    message(FATAL_ERROR "GANTRY_NCCL=ON, but there is no NCCL. tools/setup_cuda.sh gets it.")
  endif()
endif()
message(STATUS "CUDA backend: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, for ${CMAKE_CUDA_ARCHITECTURES}, "
               "${CUDNN_LIBRARY}, ${CUDNN_FRONTEND_INCLUDE_DIR}")

# Of the toolkit as of others' headers: warnings inside them are not ours.
add_library(gantry_cuda_dependencies INTERFACE)
target_include_directories(gantry_cuda_dependencies SYSTEM INTERFACE
  ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE_DIR} ${CUDNN_FRONTEND_INCLUDE_DIR})
# nvrtc: cuDNN compiles some engines when it plans them, and so would cudnn-frontend.
target_link_libraries(gantry_cuda_dependencies INTERFACE CUDA::cudart_static CUDA::cublasLt
                                                         CUDA::nvrtc ${CUDNN_LIBRARY})
set(GANTRY_HAS_CUDA TRUE)
