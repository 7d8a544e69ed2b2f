#!/bin/sh
echo "lowering the bucket"
wishwell serve
