"""Sentences of batches, in Chinese."""

BATCH: dict[str, str] = {
    "batch.plan": "共 {count} 次运算，其中 {found} 次此前已完成",
    "batch.plan.one": "共 1 次运算，其中 {found} 次此前已完成",
    "batch.progress": "已完成 {done}，失败 {failed}，剩余 {remaining}，{eta}",
    "batch.eta": "约还需 {minutes} 分钟",
    "batch.no_eta": "暂无法估计剩余时间",
    "batch.waiting": "另一批次正在写入 {folder}，等待其结束",
    "batch.failed_run": "{scenario} 失败：{reason}",
    "batch.refused": "无法读取 {name}；其余运算照常进行",
    "batch.summary": "{done} 次运算已有结论，{failed} 次失败，{remaining} 次未运行：{folder}",
    "batch.stop_disk": "磁盘无法继续写入；请腾出空间后再次运行同一命令",
    "batch.stop_lost": "工作进程已全部失联；再次运行同一命令，即可从中断处继续",
    "batch.interrupted": "已停止；已完成的结果保存在 {folder}，再次运行同一命令即可继续",
    "batch.jobs_capped": "{cores} 个核上同时运行 {jobs} 项只会互相拖慢；改用 {cores} 项",
}
